"""What ingest needs from outside, behind promises of its own: the bibliographic sources, and where full texts are open."""
