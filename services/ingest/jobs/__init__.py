"""The scheduled work of ingest: pulls what is due, so that nobody has to watch, and forgets what is old."""
