"""Reporting: makes the reports that guidelines ask for out of what the API answers, so that no number is typed."""
