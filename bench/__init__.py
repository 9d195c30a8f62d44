"""The bench: speed and memory, always as a ratio to a limit or a peer in the same run."""
