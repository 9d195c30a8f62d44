"""What ingest needs from outside, behind promises of its own: bibliographic sources, and open full texts."""
