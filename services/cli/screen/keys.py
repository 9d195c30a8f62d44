"""Keys: those of a preset, or of a file of one's own."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from services.cli.context import given
from shared.errors import Invalid
from shared.shortcuts import PRESETS, Keys, checked

#: The name of the preset that is one's own file.
OWN = "own"


def keys_of(preset: str) -> Keys:
    """The keys of a preset, or of one's own file. Raises Invalid for a file that is not there or not right."""
    return PRESETS[preset] if preset != OWN else _read(path())


def path() -> Path:
    """Where one's own keys are: LIVING_SCREEN_KEYS, or a file in the user's folder for settings."""
    if named := given().get("living_screen_keys"):
        return Path(named)
    folder = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(folder) / "living" / "screen.toml"


def _read(file: Path) -> Keys:
    try:
        said = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Invalid(f"there are no keys of your own in {file}: `living screen --help` shows such a file") from error
    except (OSError, ValueError) as error:
        raise Invalid(f"{file} cannot be read as TOML: {error}") from error
    return checked(said, f"{file}: ")
