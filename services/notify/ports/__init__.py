"""What notify needs from outside, behind promises of its own: the channels."""
