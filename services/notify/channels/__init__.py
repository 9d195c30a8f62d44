"""The channels: one file for each way a notice reaches people."""
