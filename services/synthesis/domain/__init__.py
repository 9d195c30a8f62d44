"""The rules of a realist synthesis. Pure: what stands comes in, what it says goes out."""
