"""Library files: how records come out of a file of any reference manager or database, and how they go into one."""
