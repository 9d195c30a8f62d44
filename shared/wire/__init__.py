"""The wire: what goes over HTTP, declared once for the service that answers and the client that asks."""
