"""What synthesis does when it hears something, by what it is about: protocols, reports, notices, searches."""
