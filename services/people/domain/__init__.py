"""The rules of people: what a name may be, what a role may give away, and what a secret looks like. Pure."""
