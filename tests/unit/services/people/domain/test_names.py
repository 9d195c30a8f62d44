"""Names: what may be one, and which two a reader could take for each other."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.people.domain.names import _AMENDED, _BLANKS, _prototypes, clean, look_of, same
from shared.errors import Invalid

#: Of each: the name of a person, and what somebody else must not be called beside them.
IMPOSTORS = [
    ("Ana", "ana"),
    ("Ana", "ANA"),
    ("Ana", "ana "),
    ("Ana", "\u0410na"),  # a Cyrillic A
    ("Ana", "An\u0430"),  # a Cyrillic a
    ("Ana", "\u0410N\u0410"),
    ("Aha", "АНА"),  # Anna with one n, in Cyrillic
    ("Ana", "\u0391\u039d\u0391"),  # Greek capitals
    ("Ana", "A\u039da"),  # a Greek capital nu
    ("Ana", "Ａｎａ"),
    ("Ana", "𝐀𝐧𝐚"),
    ("Ana", "𝒜𝓃𝒶"),
    ("Ana", "ᴀɴᴀ"),
    ("Ana", "Aⁿᵃ"),
    ("Ana", "A\u0301na"),
    ("Ana", "Ána"),
    ("Ana", "A.n.a."),
    ("Ana", "A-na"),
    ("Ana", "Ana\u02bc"),
    ("Ana", "Ꭺna"),  # Cherokee
    ("Ana", "ꓮna"),  # Lisu
    ("Ana Ruiz", "Ana  Ruiz"),
    ("Ana Ruiz", "Ana\u00a0Ruiz"),
    ("Ana Ruiz", "Ana\u3000Ruiz"),
    ("Ana Ruiz", "AnaRuiz"),
    ("Ana Ruiz", "Ana-Ruiz"),
    ("Ana Ruiz", "Ana\u2014Ruiz"),
    ("Ana Ruiz", "Ana Ru\u0456z"),  # Ukrainian
    ("Ana Ruiz", "Ana Ru1z"),
    ("Ava", "A\u03bda"),  # a Greek small nu
    ("Ali", "AIi"),
    ("Ali", "A1i"),
    ("Ali", "A|i"),
    ("Ali", "AL1"),
    ("Ali", "A\u04cfi"),  # a palochka
    ("Ali", "A\u0627i"),  # an alef
    ("Ivan", "lvan"),
    ("Olga", "0lga"),
    ("Olga", "\u039flga"),
    ("Olga", "O\u2113ga"),
    ("Jose", "José"),
    ("Jose", "J\u03c3se"),  # a Greek small sigma
    ("Soren", "Søren"),
    ("Lukasz", "Łukasz"),
    ("Gudrun", "Guðrún"),
    ("Weiss", "Weiß"),
    ("Weiß", "Wei\u03b2"),  # a Greek beta
    ("Nick", "Ni\u03f2k"),  # a Greek lunate sigma
    ("Emma", "Ernma"),
    ("Emma", "E\u217fma"),  # a Roman numeral
    ("Martin", "rnartin"),
    ("Wanda", "VVanda"),
    ("Philip", "Phi\u217cip"),
    ("Fiona", "\ufb01ona"),
    ("Joan", "J\u00f6an"),
    ("Eva", "\u0415va"),
    ("Kate", "\u212aate"),
    ("Bella", "\u0412ella"),
    ("Dora", "D\u043era"),
    ("Peter", "\u0420eter"),
    ("O'Brien", "O’Brien"),
    ("O'Brien", "O\ua78cBrien"),
    ("O'Brien", "O Brien"),
    ("J. R. R. Tolkien", "JRR Tolkien"),
    ("Иванов", "ИВАНОВ"),
    ("Иванов", "Ивaнoв"),  # with a Latin a and o
    ("Андрей", "Андреи"),
    ("Семён", "Семен"),
    ("Γιάννης", "ΓΙΑΝΝΗΣ"),
    ("Γιάννης", "Γιαννης"),
    ("Γιάννης", "\u0413ιάννης"),  # with a Cyrillic G
    ("أحمد", "احمد"),
    ("مُحَمَّد", "محمد"),
    ("محمـد", "محمد"),
    ("علی", "علي"),
    ("דָּוִד", "דוד"),
    ("अज़ीज़", "अजीज"),
    ("ロボ", "口ボ"),  # a Chinese mouth
    ("ﾛﾎﾞ", "ロボ"),
    ("한나", "ᄒ\u1161ᆫ나"),
]

#: What cannot be told from another name, or not be seen, and so is none; with a part of what is answered.
REFUSED = [
    ("", "must not be empty"),
    ("  \u00a0 ", "must not be empty"),
    ("a" * 201, "longer than 200"),
    ("a" * 1_000_000, "longer than 200"),
    (" " * 1_000_000, "longer than 200"),
    ("a" + "\u0301" * 1_000_000, "longer than 200"),
    ("A\u200bna", "an invisible character (U+200B, character 2)"),
    ("\ufeffAna", "an invisible character"),
    ("Ana\u2060", "an invisible character"),
    ("A\u00adna", "an invisible character"),
    ("A\u200dna", "an invisible character"),
    ("A\u200cna", "an invisible character"),
    ("\u202eanA", "an invisible character"),
    ("Ana\u200f", "an invisible character"),
    ("\u2066Ana\u2069", "an invisible character"),
    ("Ana\U000e0041", "an invisible character"),
    ("Ana\ufe0f", "an invisible character"),
    ("葛\U000e0100城", "an invisible character"),
    ("Ana\u034f", "an invisible character"),
    ("\u3164", "an invisible character"),
    ("Ana\u3164", "an invisible character"),
    ("Ana\u115f", "an invisible character"),
    ("Ana\uffa0", "an invisible character"),
    ("\u2800", "a symbol"),
    ("Ana\u2800Ruiz", "a symbol"),
    ("Ana 🌻", "a symbol"),
    ("🅰na", "a symbol"),
    ("A\ufffdna", "a symbol"),
    ("Ana\nRuiz", "a control character"),
    ("Ana\t", "a control character"),
    ("Ana\x00", "a control character"),
    ("Ana\x1b[31m", "a control character"),
    ("Ana\x85", "a control character"),
    ("Ana\u2028Ruiz", "a line break"),
    ("Ana\u2029", "a line break"),
    ("Ana\ue000", "a private character"),
    ("Ana\U0010ffff", "not known here"),
    ("Ana\u0378", "not known here"),
    ("Ana\ud800", "half a character"),
    ("Ana\u20dd", "a sign around a letter"),
    ("\u0301Ana", "a mark that is on no letter"),
    ("Ana \u0301", "a mark that is on no letter"),
    ("िनशा", "a mark that is on no letter"),
    ("A\u0902na", "a mark of another script"),
    ("Аниа\u0e31", "a mark of another script"),
    ("ingest\u0903pull", "a mark of another script"),
    ("A\u0300\u0301\u0302\u0303\u0304\u0305na", "more than 4 marks"),
    ("007", "must have a letter"),
    ("...", "must have a letter"),
    ("٣", "must have a letter"),
    ("\u02bc", "must have a letter"),
    ("ᵃⁿᵃ", "must have a letter"),
    ("\ua78c", "must have a letter"),
    ("\u0640", "must have a letter"),
    ("\ufe76", "must have a letter"),  # only the mark of a vowel, as if it were a letter
]

#: What reads as the platform's own.
OURS = [
    "ingest:pull",
    "owner:ana",
    "ingest\uff1apull",
    "ingest\ufe55pull",
    "ingest\ufe13pull",
    "ingest\u2236pull",
    "ingest\ua789pull",
    "ingest\u02d0pull",
    "ingest\u05c3pull",
    "ingest\u0589pull",
    "ingest\u2254pull",
    "Ana:",
    "system",
    "System",
    " SYSTEM ",
    "sуstem",
    "ｓｙｓｔｅｍ",
    "systern",
    "s.y.s.t.e.m",
    "“system”",
    "sÿstem",
    "erased",
    "Erased",
    "erаsed",
    "ЕRАSЕD",
    "(erased)",
]

REAL = [
    "Ana",
    "Ana Ruiz",
    "María José García-Márquez",
    "O'Brien",
    "Seán O’Brien",
    "Ó Súilleabháin",
    "J. R. R. Tolkien",
    "Martin Luther King Jr.",
    "Jean-Luc d’Arc",
    "X Æ A-12",
    "Ng",
    "Y",
    "Björk Guðmundsdóttir",
    "Søren Åberg",
    "Łukasz Żółć",
    "Gülşah İnal",
    "Iñaki Núñez",
    "Nguyễn Thị Phương Thảo",
    "Đặng Văn Lâm",
    "Keʻalohi Kaʻaihue",
    "ǃXóõ ǁAikhoe",
    "Ọlọ́runfẹ́mi Adéwálé",
    "Ƙarima Ɗanladi",
    "Ольга Ковальчук",
    "Сергій Ґудзь",
    "Đorđe Ђорђевић",
    "Νίκος Παπαδόπουλος",
    "Արամ Խաչատրյան",
    "გიორგი მაისურაძე",
    "محمد بن سلمان",
    "فاطمة الزهراء",
    "مُحَمَّد",
    "علی‌رضا محمد‌حسین",
    "ٱلرَّحْمَٰن",
    "ثریا ڈار",
    "דוד בן־גוריון",
    "שָׂרָה",
    "ג׳ורג׳",
    "लक्ष्मी नारायण",
    "शर्‍मा क्‍षितिज",
    "निःशा",
    "র‍্যাচেল",
    "অনিন্দ্য চট্টোপাধ্যায়",
    "ਗੁਰਪ੍ਰੀਤ ਸਿੰਘ",
    "મહાત્મા ગાંધી",
    "தமிழ்ச்செல்வி",
    "శ్రీనివాస్",
    "ಶ್ರೀನಿವಾಸ",
    "മോഹന്‍",
    "ශ්‍රී ලාල්",
    "สมชาย วงศ์สวัสดิ์",
    "ສົມພອນ",
    "អង្គុយ ស្រី",
    "အောင်ဆန်းစုကြည်",
    "བསྟན་འཛིན་རྒྱ་མཚོ་",
    "ኃይለ ሥላሴ",
    "王小明",
    "迪丽热巴·迪力木拉提",
    "𠮷田〆子",
    "山田 太郎",
    "ヤマダ・タロウ",
    "ユーリ",
    "佐々木",
    "김민준",
    "ᏣᎳᎩ",
    "ⴰⵎⴰⵣⵉⵖ",
    "Anna Müller (Bern)",
    "Ana Ruiz 2",
    "Dr. med. Ana Ruiz, Ph.D.",
]

#: Names of different people.
APART = [
    ("Ana", "Ava"),
    ("Ana", "Anna"),
    ("Ana", "Ann"),
    ("Ana", "Ena"),
    ("Ana Ruiz", "Ana Ruis"),
    ("Ana Ruiz", "Ana Ruiz 2"),
    ("Ben", "Den"),
    ("Clara", "Dara"),
    ("Dan", "Don"),
    ("Eve", "Eva"),
    ("Hana", "Nana"),
    ("Ian", "Jan"),
    ("Jon", "John"),
    ("Kim", "Tim"),
    ("Lena", "Lana"),
    ("Mila", "Nila"),
    ("Yuri", "Uri"),
    ("Peter", "Petra"),
    ("Maria", "Mario"),
    ("Ravi", "Rani"),
    ("Иван", "Ивана"),
    ("Абрамов", "Аврамов"),
    ("Олег", "Ольга"),
    ("Нина", "Инна"),
    ("Νίκος", "Νίκη"),
    ("Ελένη", "Έλενα"),
    ("Αννα", "Αναξ"),
    ("شامي", "سامي"),
    ("أحمد", "محمد"),
    ("علی", "علیا"),
    ("ڈار", "دار"),
    ("דני", "דן"),
    ("שרה", "שרי"),
    ("राम", "रमा"),
    ("रीमा", "रूमा"),
    ("रमेश", "राकेश"),
    ("ராமன்", "ராமா"),
    ("สมชาย", "สมหญิง"),
    ("山田", "山本"),
    ("王明", "王朋"),
    ("ユーリ", "ユリ"),
    ("ノア", "ア"),
    ("たかだ", "たがだ"),
    ("김민준", "김민서"),
    ("이나", "이라"),
    ("გიორგი", "გიგი"),
]

#: Letters that look like one Latin letter when small and like another when capital.
SEEN_AS_WRITTEN = set("βγηνυϭյƽ𑣆𑣕𑣜")

#: Whatever text there is, and more of what may go wrong: many scripts, blanks, marks, look-alikes.
ODD = st.sampled_from([*"".join(REAL), *"".join(name for pair in IMPOSTORS for name in pair), *_prototypes()])
TEXT = st.text(st.one_of(st.characters(), ODD), max_size=30)
NAME_LIKE = st.text(ODD, max_size=30)


def why_not(name: str) -> str:
    with pytest.raises(Invalid) as refused:
        clean(name)
    (error,) = refused.value.errors
    assert error["at"] == "name"
    return str(error["why"])


@pytest.mark.parametrize("name", REAL)
def test_a_real_name_stays_as_it_is(name):
    assert clean(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(("name", "why"), REFUSED, ids=[ascii(name[:20]) for name, _ in REFUSED])
def test_what_is_no_name_is_refused_with_a_reason(name, why):
    assert why in why_not(name)


@pytest.mark.parametrize("name", OURS)
def test_what_reads_as_the_platform_itself_is_refused(name):
    with pytest.raises(Invalid) as refused:
        clean(name)
    assert refused.value.slug == "reserved_name"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ana \u00a0\u2003 Ruiz\u3000", "Ana Ruiz"),
        ("Jose\u0301", "José"),
        ("ᄀ\u1161", "가"),
        ("\u212aate", "Kate"),
        ("Ａｎａ", "Ａｎａ"),
        ("a" * 200, "a" * 200),
        ("e\u0301" * 200, "é" * 200),
        ("Ana" + " " * 1000, "Ana"),
    ],
)
def test_a_name_is_kept_composed_and_with_single_blanks(given, kept):
    assert clean(given) == kept


def test_every_blank_of_unicode_is_one():
    blanks = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Zs"}

    assert {blank for blank in blanks if _BLANKS.fullmatch(blank)} == blanks


def test_the_fault_stands_where_the_name_was_given():
    with pytest.raises(Invalid) as refused:
        clean("", at="sign_in_as")

    assert refused.value.errors == [{"at": "sign_in_as", "why": "must not be empty"}]
    assert refused.value.detail == "sign_in_as: must not be empty"


@pytest.mark.parametrize(("name", "impostor"), IMPOSTORS, ids=[ascii(pair) for pair in IMPOSTORS])
def test_an_impostor_looks_like_the_name(name, impostor):
    assert clean(impostor)

    assert same(name, impostor)


@pytest.mark.parametrize(("one", "other"), APART)
def test_different_people_look_different(one, other):
    assert clean(one) and clean(other)

    assert not same(one, other)


def test_a_greek_letter_among_latin_ones_is_what_it_looks_like_as_it_is_written():
    assert same("Ava", "A\u03bda") and not same("Ana", "A\u03bda")
    assert same("Ana", "A\u039da") and not same("Ava", "A\u039da")
    assert same("Ana", "\u0391\u03bd\u03b1")  # All Greek: as their capitals.


def test_joiners_do_not_count_in_a_look():
    assert same("علی‌رضا", "علیرضا")
    assert same("A\u200bna", "Ana")
    assert same("മോഹന്‍", "മോഹന്")


def test_a_look_is_short_enough_to_be_kept():
    assert len(look_of("\ufdfa" * 200)) == 600
    assert len(look_of("뾃" * 200).encode()) <= 2400


def test_the_table_is_read_once():
    assert _prototypes() is _prototypes()
    assert len(_prototypes()) > 2500 and _AMENDED.items() <= _prototypes().items()


@given(TEXT)
def test_what_is_clean_stays_as_it_is(text):
    try:
        name = clean(text)
    except Invalid:
        return
    assert clean(name) == name
    assert look_of(name) == look_of(text) != ""
    assert name.replace("\u200c", "").replace("\u200d", "").isprintable()


@given(TEXT)
def test_the_look_of_a_look_is_itself(text):
    assert look_of(look_of(text)) == look_of(text)


def test_the_look_of_each_character_of_the_table_is_a_look():
    shown = {look_of(before + char) for pair in _prototypes().items() for char in pair for before in ("", "q")}

    assert {look for look in shown if look_of(look) != look} == set()


@given(NAME_LIKE)
def test_a_look_does_not_heed_case(text):
    letters = set(unicodedata.normalize("NFKD", text.casefold()))
    has_latin = any("A" <= letter <= "Z" for letter in unicodedata.normalize("NFKD", text).upper())
    assume(not has_latin or letters.isdisjoint(SEEN_AS_WRITTEN))

    assert {look_of(text.upper()), look_of(text.lower()), look_of(text.swapcase())} == {look_of(text)}


@given(TEXT, st.sampled_from(" \u00a0\u2003\u3000-'’.·\u200b\u0301"), st.integers(0, 30))
def test_a_look_does_not_heed_blanks_apostrophes_dots_hyphens_and_accents(text, nothing, at):
    assert look_of(text[:at] + nothing + text[at:]) == look_of(text)


@given(TEXT)
def test_a_look_does_not_heed_how_a_name_is_encoded(text):
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD")]

    assert {look_of(form) for form in forms} == {look_of(text)}


def test_a_small_letter_looks_like_its_prototype():
    apart = {
        char: prototype
        for char, prototype in _prototypes().items()
        if char.casefold() == char and not same(f"q{char}", f"q{prototype}")
    }

    assert set(apart) == {"ꞵ", "ⲝ", "ⳝ"}, "those count as their capitals"
