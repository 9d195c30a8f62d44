"""What screening does when it hears something, by what it is about: protocols, and records."""
