"""What search needs from outside, behind a promise of its own: the index."""
