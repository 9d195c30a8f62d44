"""What people needs from outside, behind promises of its own: how somebody signs in."""
