"""The channels: one file for each way a notification reaches people."""
