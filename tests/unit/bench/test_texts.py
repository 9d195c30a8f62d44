"""The generated corpus is the same everywhere, and weighs what a real one does."""

from __future__ import annotations

from collections import Counter
from statistics import median

from bench.texts import generated


def test_the_same_seed_gives_the_same_texts():
    assert generated(20) == generated(20)
    assert generated(20) != generated(20, seed=1)


def test_lengths_and_words_are_those_of_real_records():
    texts = generated(1_000)
    words = Counter(" ".join(f"{title} {abstract}" for title, abstract, _ in texts).lower().split())
    commonest = [n for _, n in words.most_common()]

    assert 60 <= median(len(title) for title, _, _ in texts) <= 110
    assert 1_000 <= median(len(abstract) for _, abstract, _ in texts) <= 1_800
    assert 0.03 <= sum(not abstract for _, abstract, _ in texts) / len(texts) <= 0.1
    assert 0.03 <= commonest[0] / sum(commonest) <= 0.07
    assert len(words) > 15_000
