"""Alembic's environment, one for all services: migrates the connection that `shared.db.migrate` hands in."""

from typing import Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON, BigInteger
from sqlmodel.sql.sqltypes import AutoString

from shared.db.types import Instant


def render_item(kind: str, item: object, autogen: AutogenContext) -> str | Literal[False]:
    """Writes our column types by their own names, so that a migration reads like the models."""
    if kind != "type":
        return False
    if isinstance(item, AutoString):
        return f"sa.String(length={item.length})" if item.length else "sa.String()"
    for ours, name in ((Instant, "Instant()"), (JSON, "Json"), (BigInteger, "Counter")):
        if isinstance(item, ours):
            autogen.imports.add(f"from shared.db.types import {name.removesuffix('()')}")
            return name
    return False


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    compare_type=True,
    render_as_batch=True,
    render_item=render_item,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
