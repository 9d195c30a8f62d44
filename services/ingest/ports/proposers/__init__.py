"""Who proposes codings of a copy: by rules of our own, or a language model at an address."""
