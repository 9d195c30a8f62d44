"""Tests that ask the live sources; only where LIVING_TEST_LIVE says so."""
