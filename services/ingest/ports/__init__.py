"""What ingest needs from outside, behind promises of its own: bibliographic sources, and where full texts are open."""
