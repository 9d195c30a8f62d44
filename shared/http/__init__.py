"""HTTP: one application factory, one way to say who you are, one form of error, one form of page."""
