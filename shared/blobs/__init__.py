"""Blobs: bytes that are kept whole under their own hash, beside the rows that name them."""
