"""A name must be one that others can read, and no two people of a review may have names that a reader takes for one.

What tells names apart is their *look*: the skeleton of UTS #39 (Unicode Security Mechanisms, section 4), made with
Unicode's own table of characters that look alike, `confusables.txt`. It is rather too broad than too narrow, since a
match only has somebody asked. No library serves: ICU makes skeletons, but is 40 MB, and they heed case and accents;
`disarm` is young, and knows look-alikes of Latin letters; `confusable-homoglyphs` and its like have old tables alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from shared.errors import Invalid
from shared.folding import composed, decomposed, is_arabic, kind, mark_class

#: Characters of a name, which every view of a review shows.
LONGEST: Final = 200

#: Characters of what is looked at at all; a name is measured when its blanks are gone and its accents are on letters.
_LONGEST_RAW = 10 * LONGEST

#: Characters of a look, which is in indexes. No name of people has so many; a longer look is cut, and so only broader.
_LONGEST_LOOK = 3 * LONGEST

#: Marks on one letter (UTS #39, section 5.4); more of them hide the lines above and below.
_MOST_MARKS = 4

#: Who acts in nobody's name, and what stands where a name was.
_OURS = ("system", "erased")
#: What stands behind "Member", and what an id of the platform's begins with.
_NUMBER, _ID = re.compile(r"[\d ]+$"), re.compile(r"[a-z]+_[0-9a-f]{8}")

_BLANKS = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")

#: What no name has, by general category.
_REFUSED: Final = {
    "Cc": "a control character",
    "Cf": "an invisible character",
    "Cn": "a character that is not known here",
    "Co": "a private character, which each computer shows in its own way",
    "Cs": "half a character",
    "Me": "a sign around a letter",
    "So": "a symbol",
    "Zl": "a line break",
    "Zp": "a line break",
}

#: Letters proper; what modifies others is no name by itself.
_LETTERS = ("Lu", "Ll", "Lt", "Lo")

#: What cannot be seen though its category is that of letters or marks: fillers, joiners, and what selects a form.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U00016fe4\U000e0100-\U000e01ef]"
)

#: What looks like a colon, besides those of other widths, which are colons when they are decomposed.
_COLONS = frozenset(
    "\u02d0\u02f8\u0589\u05c3\u0703\u0704\u16ec\u1803\u1809\u205a\u2236\u2237\u2254\u2255\u2982\u29f4\u2e2c\ua4fd\ua789"
    "\U0001015b\U00010af5\U0001123a"
)

_NON_JOINER, _JOINER = _JOINERS = ("\u200c", "\u200d")

#: The class of the mark that takes a letter's own vowel away, and so joins it to the next letter.
_VIRAMA = 9


# What a name may be


def clean(name: str, at: str = "name") -> str:
    """The name as it is kept and shown: composed (NFC), with one space for each run of blanks, and none around it.

    Raises Invalid, whose one error is {"at": `at`, "why": sentence}, for what is no name: nothing, no letter, more than
    200 characters; what cannot be seen, or is seen otherwise elsewhere (controls, line breaks, format characters,
    fillers, private, half and unassigned characters, symbols); marks on no letter, on one of another script, or more
    than four on one; and what reads as the platform's own (slug `reserved_name`): `system`, `erased`, what is shown
    where no name is (`Member 2`, `(erased, ...`), an id, or with a colon.

    A zero-width joiner or non-joiner stays where scripts need it, much as RFC 5892 (appendix A) has it for PRECIS:
    beside a virama, and the non-joiner between letters of Arabic script. In a look it does not count.
    """
    text = _BLANKS.sub(" ", composed(name)).strip(" ") if len(name) <= _LONGEST_RAW else name
    if why := _fault(text):
        raise Invalid.of(at, why, slug="unusable_name")
    if why := _claim(text):
        raise Invalid.of(at, why, slug="reserved_name")
    return text


def _fault(name: str) -> str | None:
    """Why it is no name at all."""
    if not name:
        return "must not be empty"
    if len(name) > LONGEST:
        return f"must not be longer than {LONGEST} characters"
    for at, char in enumerate(name):
        if not _is_plain(char) and (fault := _fault_of_character(name, at) or _fault_of_mark(name, at)):
            return f"must not have {fault} (U+{ord(char):04X}, character {at + 1})"
    if not any(kind(char) in _LETTERS and look_of(char) for char in name):
        return "must have a letter"
    return None


def _claim(name: str) -> str | None:
    """What of the platform's own it reads as."""
    if ":" in decomposed(name) or not _COLONS.isdisjoint(name):
        return "must not have a colon, as only the platform's own names do (`ingest:pull`)"
    look = look_of(name)
    if look in _ours():
        return f"must not read as {_ours()[look]!r}, which is the platform's own"
    # What stands for names that are not shown, or not there any more (`views.display_name`), and ids.
    if look_of(_NUMBER.sub("", name)) == look_of("member") != look or look.startswith(look_of("(erased")):
        return "must not read as what the platform shows where it shows no name"
    return "must not read as an id" if _ID.match(name.casefold()) else None


@cache
def _ours() -> dict[str, str]:
    """The platform's own names by their looks."""
    return {look_of(name): name for name in _OURS}


@lru_cache(maxsize=20_000)
def _is_plain(char: str) -> bool:
    """Whether nothing is wrong with the character wherever it stands, as with nearly all."""
    return kind(char)[0] != "M" and kind(char) not in _REFUSED and not _INVISIBLE.match(char)


def _fault_of_character(name: str, at: int) -> str | None:
    """What is wrong with a character wherever it stands; a joiner is wrong where it joins nothing."""
    char = name[at]
    if char in _JOINERS and _may_join(name, at):
        return None
    return _REFUSED["Cf"] if _INVISIBLE.match(char) else _REFUSED.get(kind(char))


def _may_join(name: str, at: int) -> bool:
    """Whether a joiner or non-joiner shapes what is around it.

    Other than in RFC 5892, a virama may also follow: so Bengali writes a ya after a ra (র‍্যাচেল, Rachel).
    """
    before, after = name[:at], name[at + 1 : at + 2]
    if kind(before[-1:] or " ")[0] not in "LM":
        return False
    if _VIRAMA in (mark_class(before[-1]), mark_class(after or " ")):
        return True
    letter = next((char for char in reversed(before) if kind(char) != "Mn"), " ")
    return name[at] == _NON_JOINER and is_arabic(letter) and is_arabic(after or " ")


def _fault_of_mark(name: str, at: int) -> str | None:
    """What is wrong with a mark where it stands."""
    if kind(name[at]) not in ("Mn", "Mc"):
        return None
    marks = list(_marks_up_to(name, at))
    letter = kind(name[at - len(marks)]) if at >= len(marks) else ""
    if not letter.startswith("L"):
        return "a mark that is on no letter"
    # Scripts that have capitals write each vowel as a letter. Another script's sign would hide there, or pass for a
    # colon, as the visarga does (ः).
    if letter in ("Lu", "Ll", "Lt") and not _is_accent(name[at]):
        return "a mark of another script than its letter's"
    if sum(kind(mark) == "Mn" for mark in marks) > _MOST_MARKS:
        return f"more than {_MOST_MARKS} marks on one letter"
    return None


def _marks_up_to(name: str, at: int) -> Iterator[str]:
    """The marks and joiners between a letter and what follows that place."""
    for char in reversed(name[: at + 1]):
        if kind(char)[0] != "M" and char not in _JOINERS:
            return
        yield char


# What a name looks like


def look_of(name: str) -> str:
    """What the name looks like to a reader: equal for two names that could be taken for each other.

    Takes any text, also what is no name, and answers one of at most 600 characters that is not for reading. The look of
    a look is itself. Case, accents, blanks, punctuation, symbols and joiners do not count; digits and vowel signs do.

    The order of steps. The name is decomposed (NFKD). Then each letter is made small and replaced by its prototype,
    again and again until nothing changes, since each step makes work for the other: `0` looks like `O`, which is `o`.
    Small comes first, since the table is better at small letters. As `I` is `i` and looks like `l`, those two are one:
    so AIi is Ali, but Marion is Marlon, too.

    Not all that would follow is followed. A Greek nu looks like `v` when small and like `N` when capital, and Ava would
    be Ana. Such a letter is, in a name with Latin letters, what it looks like as it is written, small or capital; in a
    name without any it counts as its capital, in which scripts are most alike. For these few letters (β γ η ν υ, and
    rarer ones) case does count, therefore, where Latin letters stand in the same name.
    """
    text = decomposed(name[:_LONGEST_RAW].translate(_LUNATE))
    among_latin = bool(_LATIN.search(text.upper()))
    return decomposed("".join(_shape(char, among_latin) for char in text))[:_LONGEST_LOOK]


def same(first: str, second: str) -> bool:
    """Whether two names are one as people mean them, or could be taken for each other."""
    return look_of(first) == look_of(second)


_LATIN = re.compile("[A-Z]")

#: A sigma that looks like a c, of which NFKD makes one that looks like an o.
_LUNATE = str.maketrans("ϲϹ", "cC")

#: What Unicode's table lacks for readers to whom case is nothing: small capitals are capitals, and so are small letters
#: of other scripts in their shape; an `i` is an `l`, as its capital looks like one; and a few that are plainly alike.
_AMENDED: Final = {
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True)),
    **{"ĸ": "k", "ʍ": "m", "ƅ": "b", "ɜ": "3", "ȝ": "3", "ƨ": "2", "i": "l", "w": "vv"},
    **{"ꞓ": "e", "ð": "d", "β": "ss", "Γ": "r", "λ": "ʌ", "л": "ʌ", "ω": "vv", "Б": "б"},
}

#: Modifier letters and the saltillo are apostrophes and the like; the Arabic tatweel only draws a word out, and a high
#: hamza is a mark.
_NO_LETTER = re.compile("[\u02b0-\u02ff\u0640\u0674\ua78b\ua78c]")

#: Marks that the table takes off letters of Arabic script, which are other letters without them (ش, ٹ).
_OF_A_LETTER = frozenset("\u0615\u06db")


@cache
def _prototypes() -> dict[str, str]:
    """What each character looks like, where that is not itself."""
    found = {}
    for line in files(__package__).joinpath("confusables.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            prototype, characters = ("".join(chr(int(code, 16)) for code in part.split()) for part in line.split(";"))
            found.update(dict.fromkeys(characters, prototype))
    return found | _AMENDED


@lru_cache(maxsize=20_000)
def _shape(char: str, among_latin: bool) -> str:
    """What one character of a decomposed name looks like."""
    before, shape = "", char
    while shape != before:
        before, shape = shape, "".join(_read(letter, among_latin) for letter in shape)
    return shape


def _read(char: str, among_latin: bool) -> str:
    """One step of it: what the character looks like when it is small, or the Latin letter that it is when capital."""
    small = _prototype_of(char.casefold())
    if char.isascii() or (among_latin and small.isascii() and not char.isupper()):
        return small
    capital = _prototype_of(char.upper())
    return capital.lower() if char.upper().isupper() and capital.isascii() else small


def _prototype_of(text: str) -> str:
    """What a character looks like as the table has it, without what does not count."""
    prototypes = _prototypes()
    shapes = decomposed("".join(prototypes.get(char, char) for char in decomposed(text)))
    return "".join(char for char in shapes if _counts(char))


def _counts(char: str) -> bool:
    """Whether names are told apart by it: a letter, digit or vowel sign, also of a newer Unicode than this Python's."""
    if _INVISIBLE.match(char) or _NO_LETTER.match(char):
        return False
    if kind(char)[0] == "M":
        return kind(char) != "Me" and not _is_accent(char)
    return kind(char)[0] in "LN" or kind(char) == "Cn"


def _is_accent(mark: str) -> bool:
    """Whether a mark is an accent, a stroke, a nukta, or a point of Hebrew or Arabic: no vowel sign, virama or tone."""
    stands = mark_class(mark)
    return mark not in _OF_A_LETTER and (stands in (1, 7) or 10 <= stands <= 36 or stands >= 200)
