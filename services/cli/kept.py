"""Kept keys: what `living login` keeps between two commands, in a file that its owner alone can read."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from services.cli.context import given
from shared.errors import Invalid
from shared.keys import PERSONS
from shared.private import write_private
from shared.storage import unusable


def path() -> Path:
    """Where keys are kept: LIVING_KEYS_FILE, or a file in the user's folder for settings (XDG Base Directory)."""
    if named := given().get("living_keys_file"):
        return Path(named)
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "living" / "keys.json"


def of(url: str) -> str | None:
    """The key that is kept for a platform; None where there is none."""
    found = _read().get(_same(url))
    return found.get("key") if isinstance(found, dict) else None


def whose(url: str) -> str | None:
    """The id of whoever's key is kept for a platform."""
    found = _read().get(_same(url))
    return found.get("person") if isinstance(found, dict) else None


def elsewhere(url: str) -> list[str]:
    """The other platforms for which keys are kept."""
    return sorted(name for name in _read() if name != _same(url))


def is_named() -> bool:
    """Whether LIVING_KEYS_FILE says whose keys are meant."""
    return "living_keys_file" in given()


def id_of(key: str) -> str:
    """The id of a key, which its holder's spelling of it begins with; the rest of it opens something."""
    return f"key_{key.removeprefix(PERSONS).partition('_')[0]}"


def require_writable() -> None:
    """Raises Unavailable or Invalid where nothing can be kept, before something is made that would be lost."""
    _write(_read())


def keep(url: str, key: str, person: str) -> Path:
    """Keeps the key of a platform in place of the one before; answers where. Raises Unavailable."""
    return _write({**_read(), _same(url): {"person": person, "key": key}})


def forget(url: str) -> None:
    """Forgets the key of a platform."""
    _write({name: kept for name, kept in _read().items() if name != _same(url)})


def _read() -> dict[str, Any]:
    """Raises Invalid for a file that is none of ours, or that others may read."""
    file = path()
    try:
        if file.stat().st_mode & 0o077:
            raise Invalid(f"others may read your keys in {file}: chmod 600 {file}", slug="not_private")
        kept = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Invalid(
            f"{file} holds no keys that can be read ({error}); move it away, and `living login` anew"
        ) from error
    if not isinstance(kept, dict):
        raise Invalid(f"{file} holds no keys; move it away, and `living login` anew")
    return kept


def _write(kept: dict[str, Any]) -> Path:
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise unusable(file, error) from error
    write_private(file, json.dumps(kept, indent=2) + "\n")
    return file


def _same(url: str) -> str:
    """A platform's address, in one spelling."""
    return url.strip().rstrip("/").replace("//localhost:", "//127.0.0.1:")
