"""Which proposers there are, as the settings say."""

from __future__ import annotations

from services.ingest.ports.proposers import chat, rules
from services.ingest.ports.proposers.port import Identity, Proposer
from shared.settings import Settings


def open_proposers(settings: Settings) -> dict[str, Proposer]:
    """All of them by name: that of rules always, the other where its server and its model are set."""
    found: list[Proposer] = [rules.Rules()]
    if settings.proposer_url is not None and settings.proposer_model is not None:
        found.append(
            chat.Chat(settings.proposer_url, settings.proposer_model, _key(settings), timeout=settings.proposer_timeout)
        )
    return {it.identity.name: it for it in found}


def identities(settings: Settings) -> dict[str, Identity]:
    """The same, for who asks none of them."""
    found = [rules.Rules().identity]
    if settings.proposer_url is not None and settings.proposer_model is not None:
        found.append(chat.identity_of(settings.proposer_model))
    return {it.name: it for it in found}


def _key(settings: Settings) -> str | None:
    if settings.proposer_key_file is not None:
        return settings.proposer_key_file.read_text().strip()
    return None if settings.proposer_key is None else settings.proposer_key.get_secret_value()
