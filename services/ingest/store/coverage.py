"""Queries about which strategies brought which records."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, literal, select, union_all
from sqlmodel import col

from services.ingest.domain.coverage import Brought, Days
from services.ingest.domain.watching import Standings
from services.ingest.models import OriginRow, RecordRow, SourceRecordRow
from shared.db.work import Work


def brought(work: Work, review: str, days: Days) -> list[Brought]:
    """How many of the records found in these days each source and watch brought, and all of them together, by how far
    those came: counted where they lie, in one statement, as they may be a hundred thousand."""
    found = _found(review, days).cte("found")
    parts = [_counted(found, "source", found.c.source), _counted(found, "watch", found.c.watch)]
    counted = union_all(*parts, _counted(found, "all", literal("")))
    return [Brought(*row) for row in work.session.execute(counted)]


def _counted(found: CTE, kind: str, by: ColumnElement[str]) -> Select[Any]:
    columns = found.c.record, found.c.standing, found.c.stage, by.label("name")
    each = (
        select(*columns, func.count().over(partition_by=found.c.record).label("brought_by"))
        .group_by(*columns)
        .subquery()
    )
    included, only = each.c.standing == Standings.INCLUDED, each.c.brought_by == 1
    counts = func.count(), _how_many(included), _how_many(only), _how_many(and_(included, only))
    return select(literal(kind), each.c.name, each.c.stage, *counts).group_by(each.c.name, each.c.stage)


def _found(review: str, days: Days) -> Select[Any]:
    """Records found in these days, both included, with the watches that brought them."""
    same = and_(
        col(SourceRecordRow.review) == OriginRow.review,
        col(SourceRecordRow.source) == OriginRow.source,
        col(SourceRecordRow.source_id) == OriginRow.source_id,
    )
    columns: tuple[Any, ...] = (
        col(RecordRow.id).label("record"), col(RecordRow.standing).label("standing"),
        col(RecordRow.stage).label("stage"), col(OriginRow.source).label("source"), col(OriginRow.watch).label("watch"),
    )  # fmt: skip
    query = (
        select(*columns)
        .select_from(OriginRow)
        .join(SourceRecordRow, same)
        .join(RecordRow, col(RecordRow.id) == SourceRecordRow.record)
        .where(col(OriginRow.review) == review)
    )
    since, until = days
    if since is not None:
        query = query.where(col(RecordRow.discovered_at) >= datetime.combine(since, time(), UTC))
    if until is not None:
        query = query.where(col(RecordRow.discovered_at) <= datetime.combine(until, time.max, UTC))
    return query


def _how_many(are: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((are, 1), else_=0)), 0)
