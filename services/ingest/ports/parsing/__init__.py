"""Parsing: copies of reports become passages, each in a process of its own that may be killed."""
