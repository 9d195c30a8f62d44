"""Where the full text of a report is open: the port, and the services that answer it."""
