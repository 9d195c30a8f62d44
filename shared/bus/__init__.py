"""The bus: the log events are written to, and the loops that carry them there and away."""
