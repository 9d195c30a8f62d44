"""Shared: what every service stands on - events, the log, the database, HTTP - and nothing that knows a service."""
