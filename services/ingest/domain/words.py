"""What words tell: which carry the meaning of a title, in which language, and which only join the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from shared.folding import plain_words

#: A letter that was lost on its way through another encoding.
_LOST = re.compile(r"(?<=[^\W\d_])[?\ufffd]+(?=[^\W\d_])")


def listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


def words_of(text: str) -> tuple[str, ...]:
    """All the words of a text, in one spelling."""
    return plain_words(_LOST.sub("", text) if "?" in text or "\ufffd" in text else text)


#: Words that only join others, by language; a title's are cut by its own language alone (`die` is a verb in English).
_JOINING = {
    "en": listed(
        "a an and are as at be by for from in into is its of on or that the their this to versus via vs with within"
    ),
    "de": listed(
        "am an auf aus bei beim das dem den der des die durch ein eine einem einen einer eines fur im in ist mit nach "
        "oder und uber um unter von vom vor zu zum zur"
    ),
    "fr": listed("a au aux avec ce ces chez d dans de des du en et l la le les ou par pour sur un une"),
    "es": listed("a al con de del e el en entre es la las lo los o para por sobre su sus un una y"),
    "it": listed("a al alla con da dal dei del della delle di e ed gli i il in la le lo nel nella per su tra un una"),
    "pt": listed("a ao aos as com da das de do dos e em entre na nas no nos o os ou para pela pelo por um uma"),
    "nl": listed("aan bij de een en het in met naar of om op te tot uit van voor"),
}

#: All of them.
EMPTY = frozenset().union(*_JOINING.values())

_ENGLISH = _JOINING["en"]

#: Those that may stand in a title or not, and change nothing.
ARTICLES = listed("a an das de der die el gli het il l la las le les lo los o the un una une ein eine um uma een")

#: Titles that begin with one of these are hardly English.
_FIRST = ARTICLES - {"a", "an", "the"}

#: Words of titles that name a part of a journal or a form of text, not a subject.
STOCK = listed(
    "abstract abstracts acknowledgement acknowledgements acknowledgment acknowledgments addendum advertisement agenda "
    "american announcement announcements annual appendix archives article articles association author authors award "
    "awards back background biography board book books brief bulletin calendar case chapter clinical comment "
    "commentaries commentary comments communication communications conclusion conclusions conference congress "
    "contents contributors correction corrections correspondence corrigendum cover current discussion editor "
    "editorial editorials editors errata erratum essay european events faculty field first foreword forthcoming front "
    "fulltext general guest guidelines highlights image images index information instructions international interview "
    "introduction invited issue issues journal journals keynote lecture lectures letter letters list literature "
    "masthead matter media meeting meetings memoriam memorial methods miscellaneous national new news newsletter note "
    "notes notice number obituaries obituary opening opinion oral original other overview page pages paper papers "
    "part perspective perspectives poster posters preface preliminary presentation presentations president press "
    "proceedings profile program programme publication publications question questions quiz reference references "
    "remarks reply report reports research response results retraction review reviewer reviewers reviews science "
    "section sections selected seminar series session sessions society special spotlight statement study subject "
    "summaries summary supplement symposium table thank thanks title topics tribute untitled update updates viewpoint "
    "volume welcome workshop world year yearbook"
)


#: Scripts that are written without blanks between words, where a word takes about two characters; in others that are
#: not Latin, Greek or Cyrillic a word may have two characters only.
_WITHOUT_BLANKS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_ALPHABETS = re.compile("[a-z\u00df-\u052f]")

_ROMAN = listed("i ii iii iv v vi vii viii ix x xi xii")
_COUNTING = listed("one two three four five six seven eight nine ten first second third fourth fifth")
_DIGITS = re.compile(r"[0-9]+")


def joining(every: Sequence[str]) -> frozenset[str]:
    """The joining words of the language that a text is in, as far as its words tell; of several, what they share."""
    if not every:
        return frozenset()
    known = EMPTY.intersection(every)
    english = len(known & _ENGLISH)
    if english == len(known):
        return _ENGLISH
    hits = {language: len(known & small) for language, small in _JOINING.items()}
    most = max(hits.values())
    if english == most:
        return _ENGLISH
    if most < 2 and every[0] not in _FIRST:
        return frozenset()
    return frozenset().union(*(_JOINING[language] for language, count in hits.items() if count == most))


def specificity(every: Iterable[str]) -> int:
    """How many different words of a title are about its subject: 0 for `Book reviews`, 2 for `Pleural disease`. Where
    a script has no blanks, its characters are counted."""
    return sum([_weight(word) for word in set(every) if word not in STOCK])


@lru_cache(maxsize=50_000)
def _weight(word: str) -> int:
    if word.isdigit():
        return 0
    if _WITHOUT_BLANKS.match(word):
        return max(1, len(word) // 2)
    return int(len(word) > (2 if _ALPHABETS.match(word) else 1))


def is_alphabetic(word: str) -> bool:
    """Whether its script is Latin, Greek or Cyrillic."""
    return not word or bool(_ALPHABETS.match(word)) or word[0].isdigit()


def numbers(every: Iterable[str]) -> tuple[str, ...]:
    """What tells two titles of a series apart, sorted: numbers, Roman numerals, single letters, counting words."""
    return tuple(sorted(each for word in every for each in _counted(word)))


def _counted(word: str) -> Sequence[str]:
    if word in _ROMAN or word in _COUNTING or (len(word) == 1 and word not in {"a", "s"}):
        return (word,)
    return () if word.isalpha() else _DIGITS.findall(word)


@lru_cache(maxsize=50_000)
def written_out(word: str) -> str:
    """The word with German and Nordic umlauts that are written as two letters as one: `mueller` is `muller`."""
    return word.replace("ue", "u").replace("oe", "o").replace("ae", "a").replace("aa", "a")
