"""Bibliographic sources: one port, and one adapter for each API."""
