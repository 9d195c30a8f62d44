"""What people ask ingest for, and what their commands and the pulls have in common: one record for each work."""
