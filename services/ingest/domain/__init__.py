"""The rules of ingest: what is the same work, how it is described, when it is looked for again. All pure."""
