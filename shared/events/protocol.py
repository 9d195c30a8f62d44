"""The events of protocol, and the protocol document itself: the plan that every other service reads."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from operator import not_
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.canonical import canonical_json
from shared.errors import Rejected
from shared.events.base import Event, Value, bad_data
from shared.events.bounds import Count, Id, KeptText
from shared.events.characteristics import MOST_CHARACTERISTICS, USUAL, USUAL_FORM, Characteristic
from shared.events.parts import Part, Slug, Text
from shared.events.stages import PARKS_AFTER, THIRD_PERSON, Criteria, FormField, Highlights, Stage
from shared.folding import without_marks

#: Characters of a strategy in a source's own syntax.
LONGEST_QUERY = 60_000

#: Terms in all the concepts of a strategy; published ones have 200.
MOST_TERMS = 1_000

#: Letters before a `*` in a term of a concept; PubMed takes none with fewer.
LEAST_STEM = 4

#: The bibliographic sources that every release can search, and those that came later.
_FIRST_SOURCES, _LATER_SOURCES = ("openalex", "crossref", "pubmed", "europepmc"), ("doaj", "arxiv", "semanticscholar")

#: The bibliographic sources that this release can search; a version of a protocol may name others, of a later one.
SOURCES = _FIRST_SOURCES + _LATER_SOURCES


#: Sources that a strategy, or the citations, may name.
MOST_SOURCES = 20

#: The sources that know which works cite which.
CITING_SOURCES = ("openalex", "crossref", "semanticscholar")

#: How a person is named in a protocol: by the opaque id that `living people members` shows, as names may be erased.
_PERSON = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"

#: What begins the name of the source of whatever came in a file, and of whatever a person added.
FILES, ADDED = "import:", "added:"

#: Characters of the part of such a name that says which database it is.
_LONGEST_DATABASE = 60

#: Days between two walks over all of a protocol's dates, where a strategy says nothing else.
WHOLE_EVERY_DAYS = 90


#: More studies that speak to a CMOC, and more links that contradict or bound it, which ask for another look, where a
#: protocol says nothing else.
ENOUGH_NEW_SUPPORTS, ENOUGH_DOUBTS = 3, 1


@dataclass(frozen=True)
class Feature:
    """Something a protocol may need of the services that work by it: of those named, or of all."""

    is_needed: Callable[[Protocol], bool]
    services: tuple[str, ...] = ()


def _searches(source: str, protocol: Protocol) -> bool:
    return any(source in strategy.searched for strategy in protocol.strategies)


def _of_a_stage(asks: Callable[[Stage], object]) -> Callable[[Protocol], bool]:
    return lambda protocol: any(asks(stage) for stage in protocol.stages)


def _of_a_field(asks: Callable[[FormField], object]) -> Callable[[Protocol], bool]:
    return _of_a_stage(lambda stage: any(asks(field) for field in stage.fields))


#: The features that this release has, by name, beyond what all releases can do. A version names those that it needs; a
#: service that must have one, and is of a release without it, does not adopt that version. Each source that came later
#: is one, of ingest.
FEATURES: dict[str, Feature] = {
    f"source:{name}": Feature(partial(_searches, name), ("ingest",)) for name in _LATER_SOURCES
} | {
    # Others pass the field over.
    "citations": Feature(lambda protocol: protocol.citations is not None, ("ingest",)),
    # Every service of an earlier release reads a strategy as one source and one query of 5,000 characters.
    "strategy:concepts": Feature(lambda protocol: any(it.concepts is not None for it in protocol.strategies)),
    "strategy:long": Feature(lambda protocol: any(len(it.query or "") > 5_000 for it in protocol.strategies)),
    # Others would watch over nothing.
    "stage:agreement_floor": Feature(
        lambda protocol: any(stage.agreement_floor is not None for stage in protocol.stages), ("screening",)
    ),
    # One without a source is none to an earlier release.
    "strategy:manual": Feature(lambda protocol: any(it.manual is not None for it in protocol.strategies)),
    # Screening of an earlier release would have a third person decide, and ask for all votes on every record.
    "stage:reconciliation": Feature(_of_a_stage(lambda stage: stage.reconciliation != THIRD_PERSON), ("screening",)),
    "stage:double_screened": Feature(_of_a_stage(lambda stage: stage.double_screened), ("screening",)),
    # Every service of an earlier release reads a field as of one of the kinds that it knows.
    "stage:numbers": Feature(_of_a_field(lambda field: field.kind == "number")),
    # Others pass these over.
    "stage:help": Feature(_of_a_field(lambda field: field.help or field.definition), ("screening",)),
    "stage:reasons": Feature(_of_a_stage(lambda stage: stage.reasons), ("screening",)),
    "stage:judged_for": Feature(_of_a_stage(lambda stage: stage.judged_for), ("screening",)),
    "stage:theory_changes": Feature(_of_a_stage(lambda stage: stage.reopen_when_theory_changes), ("screening",)),
    "stage:needs": Feature(_of_a_stage(lambda stage: stage.needs), ("ingest", "screening")),
    "protocol:criteria": Feature(lambda protocol: protocol.criteria is not None, ("screening",)),
    "protocol:highlights": Feature(lambda protocol: protocol.highlights is not None, ("screening",)),
    "stage:parks_after": Feature(
        lambda protocol: any(stage.parks_after != PARKS_AFTER for stage in protocol.stages), ("screening",)
    ),
    "stage:tags": Feature(lambda protocol: any(stage.tags for stage in protocol.stages), ("screening",)),
    # Synthesis of an earlier release would tell of what is refuted that it is set aside.
    "protocol:set_aside": Feature(lambda protocol: bool(protocol.set_aside), ("synthesis",)),
    # Others would ask for another look as they always did.
    "protocol:triggers": Feature(lambda protocol: protocol.triggers is not None, ("synthesis",)),
    # Synthesis of an earlier release would count what one of two coders says.
    "protocol:extraction": Feature(lambda protocol: protocol.extraction is not None, ("synthesis",)),
    # Others would ask for none.
    "protocol:characteristics": Feature(lambda protocol: bool(protocol.characteristics), ("synthesis",)),
    # Others would have people vote untrained.
    "stage:training": Feature(_of_a_stage(lambda stage: stage.training), ("screening",)),
}


def slug_of(database: str) -> str:
    """What a database is called in the name of a source: `embase`, `cinahl-ebsco`; nothing where it has no Latin letter
    and no digit."""
    return "-".join(re.findall(r"[a-z0-9]+", without_marks(database).casefold()))[:_LONGEST_DATABASE].strip("-")


class ConceptTerm(Part):
    """One way in which a concept is said: a word, or a phrase whose words stand side by side.

    A `*` at the end of a word stands for any letters. `near` says that the words may stand in any order, with at most
    so many others between them all. Written as text alone it is looked for in title and abstract.
    """

    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), KeptText]
    field: Literal["title", "title_or_abstract", "all", "subject"] = "title_or_abstract"
    near: Annotated[int, Field(ge=0, le=50)] | None = Field(default=None, exclude_if=lambda near: near is None)

    @model_validator(mode="before")
    @classmethod
    def _text_alone(cls, given: Any) -> Any:
        return {"text": given} if isinstance(given, str) else given

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Text alone is in the schema of what is given, not of what is told."""
        described = handler(schema)
        alone = {"type": "string", "minLength": 1, "maxLength": 200}
        return {"anyOf": [described, alone]} if handler.mode == "validation" else described

    @field_validator("text")
    @classmethod
    def _plain_words(cls, text: str) -> str:
        if found := re.search(r'["“”()\[\]?~:+|]', text):
            raise ValueError(
                f"{found[0]!r} is not written in a term: a phrase needs no quotation marks, its field is `field`"
            )
        for word in text.split():
            stem, star, rest = word.partition("*")
            if star and (rest or len(re.findall(r"[^\W_]", stem)) < LEAST_STEM):
                why = (
                    f"a * stands at the end of a word, behind {LEAST_STEM} letters or more, since PubMed wants so many"
                )
                raise ValueError(f"{why}; write the words out")
        if not re.search(r"[^\W_]", text):
            raise ValueError("there is no word to look for")
        return text

    @model_validator(mode="after")
    def _near_is_of_words(self) -> Self:
        if self.near is not None and (self.field == "subject" or len(re.findall(r"[^\W_]+", self.text)) < 2):
            raise ValueError("near is for two words or more, and not for a subject")
        return self


class Concept(Part):
    """What a review is about, in all the ways in which it may be said: any of the terms."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), KeptText]
    terms: Annotated[list[ConceptTerm], Field(min_length=1, max_length=300)]


class Strategy(Part):
    """How sources are searched, every `every_days`; each pull looks back `overlap_days` past the last one, and every
    `whole_every_days` all of the protocol's dates are walked again.

    Either one source by a `query` in its own syntax, or several `sources` by `concepts`: what says something of every
    concept, and nothing of the one under `not`, whose terms are looked for in keywords too.
    `shared.strategies.asking` has the strings for each source.

    Or by hand, since no API brings it: `manual` is the database or website as people call it, `query` the exact string
    that is planned for it, `owner` the id of whoever is to search it; without one it is the review's leads.
    """

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True, serialize_by_alias=True)

    id: Slug
    source: Slug | None = Field(default=None, exclude_if=lambda source: source is None)
    query: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_QUERY), KeptText]
        | None
    ) = Field(default=None, exclude_if=lambda query: query is None)
    sources: Annotated[list[Slug], Field(min_length=1, max_length=MOST_SOURCES)] | None = Field(
        default=None, exclude_if=lambda sources: sources is None
    )
    concepts: Annotated[list[Concept], Field(min_length=1, max_length=20)] | None = Field(
        default=None, exclude_if=lambda concepts: concepts is None
    )
    without: Concept | None = Field(default=None, alias="not", exclude_if=lambda without: without is None)
    manual: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), KeptText] | None = (
        Field(default=None, exclude_if=lambda manual: manual is None)
    )
    owner: Annotated[str, StringConstraints(pattern=_PERSON)] | None = Field(
        default=None, exclude_if=lambda owner: owner is None
    )
    every_days: Annotated[int, Field(ge=1, le=3660)] = 7
    overlap_days: Annotated[int, Field(ge=0, le=3660)] = 14
    whole_every_days: Annotated[int, Field(ge=1, le=3660, exclude_if=lambda days: days == WHOLE_EVERY_DAYS)] = (
        WHOLE_EVERY_DAYS
    )

    @property
    def searched(self) -> tuple[str, ...]:
        """The sources that it is asked at."""
        return (self.source,) if self.source is not None else tuple(self.sources or ())

    @property
    def files_of(self) -> str:
        """The source of what its files bring, which is that of all files of its database."""
        return f"{FILES}{slug_of(self.manual or '') or self.id[:_LONGEST_DATABASE]}"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.manual is not None:
            return self._by_hand()
        if self.owner is not None:
            raise ValueError("owner is of a strategy that is manual: who searches there by hand")
        native = [name for name in ("source", "query") if getattr(self, name) is not None]
        blocks = [name for name in ("sources", "concepts") if getattr(self, name) is not None]
        blocks += ["not"] if self.without is not None else []
        if native and blocks:
            raise ValueError(
                f"{native[0]} and {blocks[0]} are of two ways: give source and query, or sources and concepts"
            )
        wanted = ("sources", "concepts") if blocks else ("source", "query")
        terms = sum(
            len(concept.terms) for concept in [*(self.concepts or ()), *([self.without] if self.without else ())]
        )
        if terms > MOST_TERMS:
            raise ValueError(f"its concepts have {terms:,} terms, and {MOST_TERMS:,} is the most")
        missing = [name for name in wanted if getattr(self, name) is None]
        if missing:
            raise ValueError(
                f"{' and '.join(missing)} missing: give source and query, or sources and concepts, or manual"
            )
        return self

    def _by_hand(self) -> Self:
        others = [name for name in ("source", "sources", "concepts") if getattr(self, name) is not None]
        others += ["not"] if self.without is not None else []
        if others:
            raise ValueError(f"manual and {others[0]} are of two ways: give manual alone, with its query")
        return self


class Citations(Part):
    """Where citations are chased, every `every_days`: what the included reports cite, and what cites them, as far as
    each of these `sources` knows it."""

    sources: Annotated[list[Slug], Field(min_length=1, max_length=MOST_SOURCES)]
    every_days: Annotated[int, Field(ge=1, le=3660)] = 7


class Definitions(Part):
    """The operational definitions, shown wherever people code."""

    context: Text
    mechanism: Text
    outcome: Text


class Theory(Part):
    """A programme theory: a heading and a statement that gathers CMOCs."""

    id: Slug
    heading: Text
    statement: Text


class Cmoc(Part):
    """A context-mechanism-outcome configuration, its four parts apart (Dalkin 2015)."""

    id: Slug
    theory: Slug
    context: Text
    resource: Text
    reasoning: Text
    outcome: Text
    lineage: list[Text] = []
    lineage_note: Text | None = None


class SetAside(Part):
    """A CMOC that an earlier version stated, and this one states no more, by what a person decided: `how` it went, and
    `why`. `dissent` is what others of the team think. Where it lives on in others, their `lineage` says so instead."""

    cmoc: Slug
    how: Literal["no_evidence", "refuted", "out_of_scope"]
    why: Text
    dissent: Text | None = None


class Triggers(Part):
    """When evidence asks for another look at a CMOC: once so many more independent studies speak to it than at its
    newest revision, and its words are the same (`new_supports`); once so many more links contradict it or show where it
    ends (`doubts`)."""

    new_supports: Annotated[int, Field(ge=1, le=1000)] = ENOUGH_NEW_SUPPORTS
    doubts: Annotated[int, Field(ge=1, le=1000)] = ENOUGH_DOUBTS


class Extraction(Part):
    """How evidence is coded: each included report is given to so many `coders`, who know nothing of each other's coding
    until all of them have finished. What they differ in is reconciled by those `coders`, or by an `adjudicator` who did
    not code the report."""

    coders: Annotated[int, Field(ge=1, le=2)] = 1
    reconciled_by: Literal["coders", "adjudicator"] = "coders"


def _taken_by_name(given: Any) -> Any:
    """The form that a name stands for. Raises ValueError for a name of none."""
    if not isinstance(given, str):
        return given
    if given != USUAL:
        raise ValueError(f"there is no form {given[:80]!r}: write {USUAL!r}, or list what is asked of each study")
    return [it.model_dump(mode="json") for it in USUAL_FORM]


class _Characteristics:
    """In what people write the name of a form may stand for it; what is told lists what is asked."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        return {"anyOf": [described, {"const": USUAL}]} if handler.mode == "validation" else described


class TeamRole(Part):
    """Those whom a review wants in a role, by their ids."""

    role: Literal["reviewer", "adjudicator", "lead"]
    people: Annotated[list[Annotated[str, StringConstraints(pattern=_PERSON)]], Field(min_length=1, max_length=200)]


class AnyProtocol(Part):
    """What every release reads of a protocol, whatever features that needs."""

    review: Slug

    @classmethod
    def read(cls, document: str) -> Self:
        """A published version's document. Raises ValidationError where it lacks what this release works by."""
        return cls.model_validate_json(document, extra="ignore")


Read = TypeVar("Read", bound=AnyProtocol)


class Protocol(AnyProtocol):
    """One version of a review's plan.

    Records published after `published_after` and until `published_until` are screened; the sources are searched
    from `search_from` on, or from `published_after` where that is not given. `citations` says
    whether what the included reports cite, and what cites them, is looked for too. `criteria` and `highlights` are
    shown with every record that people screen. `team` is who the review is to be done by; it makes nobody a member.
    `set_aside` is what became of CMOCs that earlier versions stated. `triggers` say how much evidence asks for another
    look at one. Without `extraction` anybody who may code does so, and what is coded counts at once. `characteristics`
    are asked of each included study; `usual` stands for the form that this release has by that name.
    """

    title: Text
    question: Text
    published_after: date | None = None
    published_until: date | None = None
    search_from: date | None = None
    publish_every_days: Annotated[int, Field(ge=1, le=3660)] = 365
    definitions: Definitions
    criteria: Criteria | None = Field(default=None, exclude_if=lambda criteria: criteria is None)
    highlights: Highlights | None = Field(default=None, exclude_if=lambda highlights: highlights is None)
    strategies: Annotated[list[Strategy], Field(min_length=1, max_length=50)]
    citations: Citations | None = Field(default=None, exclude_if=lambda citations: citations is None)
    team: Annotated[list[TeamRole], Field(max_length=10)] = Field(default=[], exclude_if=lambda team: not team)
    stages: Annotated[list[Stage], Field(min_length=1, max_length=20)]
    theories: Annotated[list[Theory], Field(min_length=1, max_length=100)]
    cmocs: Annotated[list[Cmoc], Field(min_length=1, max_length=500)]
    set_aside: Annotated[list[SetAside], Field(max_length=500)] = Field(default=[], exclude_if=lambda gone: not gone)
    triggers: Triggers | None = Field(default=None, exclude_if=lambda triggers: triggers is None)
    extraction: Extraction | None = Field(default=None, exclude_if=lambda extraction: extraction is None)
    characteristics: Annotated[
        list[Characteristic], Field(max_length=MOST_CHARACTERISTICS), BeforeValidator(_taken_by_name), _Characteristics
    ] = Field(default=[], exclude_if=lambda asked: not asked)

    def document(self) -> str:
        """The canonical JSON, which is hashed and told."""
        return canonical_json(self.model_dump(mode="json")).decode()

    def question_of(self, strategy: Strategy) -> str:
        """What a manual strategy asks (database, string, first day), as a hash: where it is another, what was searched
        before was searched for something else."""
        first = self.search_from or self.published_after
        asked = [strategy.files_of, strategy.query, first and first.isoformat()]
        return hashlib.sha256(canonical_json(asked)).hexdigest()

    def needs(self) -> list[Need]:
        """The features that whoever works by it must have, in the order of their names."""
        return [
            Need(feature=name, services=list(feature.services))
            for name, feature in sorted(FEATURES.items())
            if feature.is_needed(self)
        ]


class Need(Value):
    """A feature that a protocol's version needs of these services, or of all."""

    feature: Id
    services: list[Id] = []


def _with_its_bytes(data: dict[str, Any]) -> dict[str, Any]:
    """Version 1 carried the document as an object, and needed nothing."""
    return {**data, "document": canonical_json(data["protocol"]).decode(), "needs": []}


class VersionPublished(Event, type="protocol.version.published", version=2, key="review", upcasts=(_with_its_bytes,)):
    """A review has a new protocol version, whole; versions count from 1.

    `document` is the exact JSON of which `sha256` is the hash. `needs` names the features without which a reader
    must not work by it. `why` is what whoever made it said of that.
    """

    demanding: ClassVar[bool] = True

    # The field is released under this name; an event's own version is asked of its class, where this one is 1.
    version: Count  # type: ignore[misc]
    sha256: str
    document: str
    needs: list[Need]
    published_by: Id
    why: str | None = Field(default=None, exclude_if=not_)

    @classmethod
    def of(cls, protocol: Protocol, version: int, published_by: str, why: str | None = None) -> VersionPublished:
        document = protocol.document()
        return cls(
            review=protocol.review, version=version, sha256=hashlib.sha256(document.encode()).hexdigest(),
            document=document, needs=protocol.needs(), published_by=published_by, why=why,
        )  # fmt: skip

    @property
    def ordinal(self) -> int:
        return self.version

    def lacking(self, service: str) -> list[str]:
        mine = [need for need in self.needs if not need.services or service in need.services]
        return [need.feature for need in mine if need.feature not in FEATURES]

    def require_readable(self, service: str) -> None:
        if not self.lacking(service):
            _ = self.protocol

    @cached_property
    def protocol(self) -> Protocol:
        """The document, as this release reads it. Raises Rejected, naming the first field at fault."""
        return self._read(Protocol)

    @model_validator(mode="after")
    def _check_document(self) -> Self:
        """Raises Rejected for a document that nobody may work by: its bytes are not those that were hashed, it is of
        another review, or it has not the shape of one though this release has all that it needs."""
        if hashlib.sha256(self.document.encode()).hexdigest() != self.sha256:
            raise Rejected(f"{self.type}: sha256: it is not the hash of the document's bytes", slug="bad_data")
        named = self._read(AnyProtocol).review
        if named != self.review:
            what = f"the document is of review {named!r}, and was told of {self.review!r}"
            raise Rejected(f"{self.type}: document: review: {what}", slug="bad_data")
        # With a feature of tomorrow it may have another shape, which those who lack nothing find (`require_readable`).
        if all(need.feature in FEATURES for need in self.needs):
            _ = self.protocol
        return self

    def _read(self, form: type[Read]) -> Read:
        try:
            return form.read(self.document)
        except ValidationError as error:
            raise bad_data(f"{self.type}: document", error) from error
