"""Where revisions are deposited for good, under DOIs."""
