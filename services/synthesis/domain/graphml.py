"""GraphML: the map of the theories as programs that draw and count networks read it."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element, SubElement, tostring

from shared.wire.synthesis import TheoryMap

_NAMESPACE = "http://graphml.graphdrawing.org/xmlns"

#: What XML 1.0 cannot say at all, which titles of sources may hold.
_UNSAID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

#: What nodes and edges say of themselves: the name, what has it, and of which kind it is.
_KEYS = (
    ("kind", "node", "string"), ("label", "node", "string"), ("text", "node", "string"), ("status", "node", "string"),
    ("support", "node", "int"), ("flagged", "node", "boolean"), ("claims", "node", "int"), ("reports", "node", "int"),
    ("relation", "edge", "string"), ("stance", "edge", "string"), ("links", "edge", "int"),
    ("explicit", "edge", "int"),
)  # fmt: skip


def graphml_of(found: TheoryMap) -> str:
    """A directed graph: each study speaks to CMOCs, each CMOC is part of a theory. Claims (links) and independent
    studies are told apart; what the map leaves out stands in the graph's own data."""
    root = Element("graphml", {"xmlns": _NAMESPACE})
    for name, what, kind in _KEYS:
        SubElement(root, "key", {"id": name, "for": what, "attr.name": name, "attr.type": kind})
    for name in ("studies_left_out", "links_left_out"):
        SubElement(root, "key", {"id": name, "for": "graph", "attr.name": name, "attr.type": "int"})
    graph = SubElement(root, "graph", {"id": found.review, "edgedefault": "directed"})
    _say(graph, studies_left_out=found.left_out.studies, links_left_out=found.left_out.links)
    for theory in found.theories:
        _node(graph, f"theory:{theory.theory}", kind="theory", label=theory.heading, text=theory.statement)
    for cmoc in found.cmocs:
        _node(
            graph, f"cmoc:{cmoc.cmoc}", kind="cmoc", label=cmoc.cmoc, text=f"{cmoc.reasoning} → {cmoc.outcome}",
            status=cmoc.status, support=cmoc.support, flagged=cmoc.flagged, claims=cmoc.links,
        )  # fmt: skip
    for study in found.studies:
        _node(
            graph, f"study:{study.study}", kind="study", label=study.title or study.study, claims=study.links,
            reports=study.reports,
        )  # fmt: skip
    for cmoc in found.cmocs:
        _edge(graph, f"part_of:{cmoc.cmoc}", f"cmoc:{cmoc.cmoc}", f"theory:{cmoc.theory}", relation="part_of")
    for number, edge in enumerate(found.edges):
        _edge(
            graph, f"speaks_to:{number}", f"study:{edge.study}", f"cmoc:{edge.cmoc}", relation="speaks_to",
            stance=edge.stance, links=edge.links, explicit=edge.explicit,
        )  # fmt: skip
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _node(graph: Element, name: str, **said: object) -> None:
    _say(SubElement(graph, "node", {"id": name}), **said)


def _edge(graph: Element, name: str, source: str, target: str, **said: object) -> None:
    _say(SubElement(graph, "edge", {"id": name, "source": source, "target": target}), **said)


def _say(element: Element, **said: object) -> None:
    for name, value in said.items():
        words = str(value).lower() if isinstance(value, bool) else str(value)
        SubElement(element, "data", {"key": name}).text = _UNSAID.sub("", words)
