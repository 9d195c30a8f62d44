"""Search strategies: read, checked, translated for each source, and held against what a source brought. Pure."""
