"""Web: pages for people. It speaks to the other services as any client does, by their API, as whoever is signed in.

Owns: nothing. It keeps no rows and no key, hears no event and emits none: what a page shows, and what may be done
there, is what the API answers to the token of whoever looks.
"""
