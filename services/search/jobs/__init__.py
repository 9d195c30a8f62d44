"""The scheduled work of search: the index is made anew where it was lost or somebody asks for it."""
