"""Keys: what signs tokens and revisions, where it is kept, and how its public half is told."""

from typing import Literal

#: What a key is for. Named here, so that whoever only reads a key set need not load what signs.
Purpose = Literal["tokens", "revisions"]
