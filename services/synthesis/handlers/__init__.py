"""What synthesis does: each module holds the effects on one thing, from events and from people's commands."""
