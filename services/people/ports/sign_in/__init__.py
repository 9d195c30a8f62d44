"""Signing in: today by a password; a provider of identities (OpenID Connect) may join behind the same promise."""
