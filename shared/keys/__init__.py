"""Keys: what signs tokens and revisions, where it is kept, and how its public half is told."""

from typing import Literal

#: What a key is for. Named here, so that whoever only reads a key set need not load what signs.
Purpose = Literal["tokens", "revisions"]

#: What the key of a person, or a program, begins with: whoever sends, exchanges or makes one knows it by that.
PERSONS = "living_key_"
#: What an invitation's secret begins with, as a link to come in by has it behind its #.
INVITATIONS = "living_invitation_"
