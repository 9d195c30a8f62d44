"""Generated titles and abstracts, which read like nothing but weigh, for an index and a log, what real ones weigh.

They are made of a few English function words and many invented ones. Lengths, the share of records without an
abstract or with letters beyond ASCII, and how often the commonest and the rarest words come follow 3,934 real records.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate, count, islice

#: Title, abstract ('' for none) and year.
Text = tuple[str, str, str]

#: Distinct texts; like the real ones they are repeated when more records are wanted.
TEXTS = 4_000

_FUNCTION_WORDS = """
    the of and in to a for with was were by on that as is from or at we are this which an be between these after
    not than it have had their has can both during may our also all who no more but its there
""".split()  # noqa: SIM905  # Reads better than a list.

_VOCABULARY = 30_000

# How often the word of a rank comes: Zipf's law with Mandelbrot's correction for the commonest few.
_SHIFT, _STEEPNESS = 2.2, 1.09

_ONSETS = """
    b br c c ch cl d d dr f fl g gl h k l l m m n n p p ph pl pr qu r r s s sc sp st t t th tr v v
""".split()  # noqa: SIM905
_VOWELS = ["a", "e", "i", "o", "u", "a", "e", "i", "o", "ea", "ou", "io"]
_CODAS = ["", "", "", "", "", "n", "r", "l", "s", "m", "nt"]
# Endings for the index's stemmer to work on.
_ENDINGS = ["", "", "", "", "", "s", "s", "ed", "ed", "ing", "al", "ity", "ation", "ive", "ly", "ment"]
_BEYOND_ASCII = ["±", "–", "’", "é", "≥", "α", "β"]


def generated(number: int = TEXTS, seed: int = 2024) -> list[Text]:
    """`number` texts, the same ones for the same seed on every machine."""
    rng = random.Random(seed)
    words = list(islice(_vocabulary(rng), _VOCABULARY))
    weights = list(accumulate((rank + _SHIFT) ** -_STEEPNESS for rank in range(1, _VOCABULARY + 1)))
    return [_text(rng, words, weights) for _ in range(number)]


def _text(rng: random.Random, words: list[str], weights: list[float]) -> Text:
    title = _sentence(rng, rng.choices(words, cum_weights=weights, k=_length(rng, 2.5, 0.4, 4, 45)))
    if rng.random() < 0.065:
        return title, "", str(rng.randint(2018, 2024))
    drawn = rng.choices(words, cum_weights=weights, k=_length(rng, 5.35, 0.5, 20, 1_000))
    abstract = " ".join(_sentence(rng, some) + "." for some in _cut(rng, drawn))
    if rng.random() < 0.33:
        abstract = abstract.replace(" ", f" {rng.choice(_BEYOND_ASCII)}", 2)
    return title, abstract, str(rng.randint(2018, 2024))


def _length(rng: random.Random, middle: float, spread: float, least: int, most: int) -> int:
    return min(most, max(least, round(rng.lognormvariate(middle, spread))))


def _cut(rng: random.Random, words: list[str]) -> Iterator[list[str]]:
    start = 0
    while start < len(words):
        length = rng.randint(12, 34)
        yield words[start : start + length]
        start += length


def _sentence(rng: random.Random, words: list[str]) -> str:
    if len(words) > 12:
        index = rng.randrange(4, len(words) - 4)
        words[index] += ","
    text = " ".join(words)
    return text[:1].upper() + text[1:]


def _vocabulary(rng: random.Random) -> Iterator[str]:
    """Distinct words without an end, the commonest first: function words, then invented ones, longer as they are
    rarer, and now and then a number."""
    yield from _FUNCTION_WORDS
    seen = set(_FUNCTION_WORDS)
    for rank in count(len(seen)):
        word = _number(rng) if rng.random() < 0.06 else _word(rng, rank)
        if word not in seen:
            seen.add(word)
            yield word


def _word(rng: random.Random, rank: int) -> str:
    syllables = rng.choice((1, 1, 2)) if rank < 1_000 else rng.choice((1, 2, 2, 3))
    made = (rng.choice(_ONSETS) + rng.choice(_VOWELS) + rng.choice(_CODAS) for _ in range(syllables))
    return "".join(made) + rng.choice(_ENDINGS)


def _number(rng: random.Random) -> str:
    return rng.choice((f"{rng.randint(1, 2_000)}", f"{rng.random():.2f}", f"{rng.uniform(1, 100):.1f}"))
