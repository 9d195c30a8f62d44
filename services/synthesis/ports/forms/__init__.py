"""What leaves the platform of a revision, as files that people and programs read elsewhere: one module a form."""
