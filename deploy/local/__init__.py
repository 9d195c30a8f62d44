"""Starts Kafka, Elasticsearch and PostgreSQL on this machine without Docker (see README.md)."""
