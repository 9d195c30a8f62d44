"""Searching: what each source will be asked, by the strategies of a protocol."""

from __future__ import annotations

from shared.events.protocol import Protocol
from shared.strategies.asking import asked
from shared.wire.protocol import StrategyAsked, Warned


def asked_by(protocol: Protocol) -> list[StrategyAsked]:
    """Every strategy of a checked protocol at every source that it is searched at."""
    return [
        StrategyAsked(
            strategy=strategy.id,
            source=source,
            strings=list(translation.strings),
            filtered=translation.filtered,
            warnings=[Warned(term=it.term, why=it.why) for it in translation.warnings],
        )
        for strategy in protocol.strategies
        for source in strategy.searched
        for translation in [asked(strategy, source)]
    ]
