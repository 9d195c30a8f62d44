"""For which reason a task led a record out, and for which CMOCs it was judged: kept with the task."""

from __future__ import annotations

from collections.abc import Sequence

from services.screening import domain
from services.screening.domain import Ballot, Decision
from services.screening.models import DecidedBy, Opinion, Task, Vote
from shared.db.work import Work
from shared.events.stages import Stage


def keep_reasons(
    work: Work, task: Task, stage: Stage, votes: Sequence[Vote | Opinion | Ballot], decision: Decision, by: DecidedBy
) -> None:
    """Keeps what the votes behind a decision say: the adjudicator's alone, or all that lead where the decision does. Of
    a consensus `votes` are what its voters stand by."""
    leads_to = {answer.value: answer.leads_to for answer in stage.answers}
    behind = votes[-1:] if by == "adjudication" else [v for v in votes if leads_to.get(v.answer) == decision.outcome]
    leads_out = decision.outcome == "exclude"
    named = domain.excluded_for(stage, [vote.excluded_for for vote in behind]) if leads_out else None
    task.excluded_for = named
    task.judged_for = domain.judged_for([vote.judged_for or [] for vote in behind], leads_out=leads_out) or None
