"""Protocols for tests: a small one that is right, to be spoiled place by place."""

from __future__ import annotations

import copy
from typing import Any

import yaml

SMALL: dict[str, Any] = {
    "review": "small",
    "title": "A small review",
    "question": "What works for whom?",
    "published_after": "2017-12-31",
    "definitions": {"context": "before", "mechanism": "resource and reasoning", "outcome": "result"},
    "strategies": [{"id": "one", "source": "pubmed", "query": "leader*[ti]"}],
    "stages": [
        {
            "name": "screen",
            "question": "In or out?",
            "answers": [
                {"value": "in", "leads_to": "advance"},
                {"value": "maybe", "leads_to": "adjudicate"},
                {"value": "out", "leads_to": "exclude", "reason_required": True},
            ],
            "fields": [{"name": "kind", "label": "Kind", "kind": "choice", "options": ["a", "b"]}],
        }
    ],
    "theories": [{"id": "trust", "heading": "Trust", "statement": "Trust helps."}],
    "cmocs": [
        {
            "id": "c1",
            "theory": "trust",
            "context": "strangers meet",
            "resource": "time",
            "reasoning": "trust",
            "outcome": "joint work",
        }
    ],
}


def small(**changes: Any) -> dict[str, Any]:
    """The small protocol with some of its top-level fields changed."""
    return copy.deepcopy(SMALL) | changes


def as_yaml(document: Any) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
