"""Protocol: keeps what each review plans, as numbered versions that never change.

Owns: reviews and the versions of their protocols.
Reacts to: nothing.
Emits: protocol.version.published.
"""
