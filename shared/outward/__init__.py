"""Outward: going to addresses that others wrote, without being led into our own network."""
