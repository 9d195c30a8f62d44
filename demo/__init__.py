"""The demo: plays a review from files against a running platform, over HTTP, the way its users would."""
