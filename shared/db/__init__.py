"""The database: one per service, one transaction per message."""
