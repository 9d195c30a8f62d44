"""Which key gives which answer: as others have it, or as one's own file says."""

from __future__ import annotations

import pytest

from services.cli.screen.cards import Choice
from services.cli.screen.keys import keys_of, path
from shared.errors import Invalid
from shared.shortcuts import ACTIONS, MOVING, PRESETS

SIFT = [Choice("include", "advance"), Choice("unsure", "adjudicate"), Choice("exclude", "exclude")]
DEPTH = [Choice("thin", "exclude"), Choice("moderate", "advance"), Choice("rich", "advance")]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Writes a file of one's own keys."""
    file = tmp_path / "screen.toml"

    def write(text: str) -> None:
        file.write_text(text)
        monkeypatch.setenv("LIVING_SCREEN_KEYS", str(file))

    return write


@pytest.mark.parametrize(
    ("preset", "keys"), [("rayyan", ["i", "u", "e"]), ("asreview", ["r", "m", "i"]), ("covidence", ["y", "m", "n"])]
)
def test_a_preset_has_the_keys_that_its_users_know(preset, keys):
    assert list(PRESETS[preset].of(SIFT).values()) == keys


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("answers", [SIFT, DEPTH, [Choice(f"a{n}", "advance") for n in range(20)]])
def test_no_key_means_two_things(preset, answers):
    keys = PRESETS[preset]
    given = list(keys.of(answers).values())

    assert len(set(given)) == len(answers) and all(len(key) == 1 for key in given)
    assert not set(given) & ({*keys.actions.values()} | MOVING)
    assert set(keys.actions) == set(ACTIONS) and len(set(keys.actions.values())) == len(ACTIONS)


def test_answers_that_lead_to_the_same_have_letters_of_their_names():
    assert PRESETS["rayyan"].of(DEPTH) == {"thin": "e", "moderate": "m", "rich": "r"}


def test_keys_of_ones_own_count_before_the_presets(own):
    own('like = "asreview"\n[answers]\ninclude = "y"\n[actions]\nundo = "x"\n')

    keys = keys_of("own")

    assert keys.of(SIFT) == {"include": "y", "unsure": "m", "exclude": "i"} and keys.action("x") == "undo"


def test_a_key_that_is_given_to_an_answer_is_taken_from_what_had_it(own):
    own('[answers]\ninclude = "s"\n')

    keys = keys_of("own")

    assert keys.of(SIFT)["include"] == "s" and keys.action("s") is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("like = ", "TOML"),
        ('like = "endnote"', "rayyan, asreview, covidence"),
        ("like = 3", "rayyan, asreview, covidence"),
        ('[answer]\ninclude = "y"', "`answers`"),
        ('answers = "y"', "a table"),
        ('[answers]\ninclude = "yes"', "one character"),
        ('[answers]\ninclude = " "', "one character"),
        ("[answers]\ninclude = 1", "one character"),
        ('[answers]\ninclude = "y"\nexclude = "y"', "include and of exclude"),
        ('[answers]\ninclude = "j"', "moving"),
        ('[actions]\nfly = "y"', "undo"),
        ('[answers]\ninclude = "q"', "needs a key"),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_what_is_wrong(own, text, why):
    own(text)

    with pytest.raises(Invalid) as refused:
        keys_of("own")
    assert why in f"{refused.value.detail} {refused.value.errors}" and str(path()) in refused.value.detail


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("LIVING_SCREEN_KEYS", str(tmp_path / "none.toml"))

    with pytest.raises(Invalid, match=r"none\.toml"):
        keys_of("own")


def test_without_a_name_it_is_in_the_folder_for_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert path() == tmp_path / "living" / "screen.toml"
