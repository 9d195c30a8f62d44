"""Drift: whether any two people agree less, in this cycle, than the protocol asks for."""

from __future__ import annotations

from services.screening import domain, store
from services.screening.domain.agreement import Agreement
from services.screening.models import AlarmRow
from shared.db.work import Work
from shared.events.screening import AgreementFell, AgreementRecovered


def watch_agreement(work: Work, review: str) -> None:
    """Tells once of two people who fell below the floor of a stage, and once that they did not stay there."""
    plan = store.the_plan(work, review)
    floors = {stage.name: stage for stage in plan.protocol.stages if stage.agreement_floor is not None}
    known = {(row.stage, row.first, row.second): row for row in store.alarms(work, review)}
    if not floors and not known:
        return
    compared = store.compared(work, review, *store.days_of_this_cycle(work, review))
    below: set[tuple[str, str, str]] = set()
    for name, stage in floors.items():
        answers = [answer.value for answer in stage.answers]
        for (first, second), both in domain.between_two(
            domain.answers_alone(compared.get(name, domain.NOTHING))
        ).items():
            found = domain.agreement(both, answers)
            if domain.is_below(found, stage.agreement_floor):
                below.add((name, first, second))
                if (name, first, second) not in known:
                    _tell_fallen(work, review, (name, first, second), found, stage.agreement_floor or 0.0)
    for at, row in known.items():
        if at not in below:
            store.forget_alarm(work, row)
            work.emit(AgreementRecovered(review=review, stage=row.stage, first=row.first, second=row.second))


def _tell_fallen(work: Work, review: str, at: tuple[str, str, str], found: Agreement, floor: float) -> None:
    assert found.kappa is not None  # Or it would not be below.
    stage, first, second = at
    work.add(AlarmRow(review=review, stage=stage, first=first, second=second, fell_at=work.now))
    work.emit(
        AgreementFell(
            review=review, stage=stage, first=first, second=second, n=found.n, kappa=found.kappa.value, floor=floor
        )
    )
