"""Screening hands records to people stage by stage, and turns their independent votes into decisions.

Owns: the stages each protocol version asks for, the state of every record in screening and its flow, its tasks, leases,
votes, conflicts and what people answered in them, what is parked, what people note for themselves, how they answered
training sets, how far they agree, what is assigned to whom, the order of the queue, what files state was decided
before, and what leads asked for many records at once.

Reacts to: protocol.version.published, ingest.record.discovered, ingest.record.updated, ingest.record.merged,
ingest.record.split, ingest.record.noticed, ingest.decision.stated, ingest.text.sought, ingest.text.retrieved,
ingest.text.not_retrieved, ingest.text.withdrawn, synthesis.theory.changed, synthesis.revision.published,
people.member.joined, people.role.changed, people.member.left, people.name.mapped.

Emits: screening.task.opened, screening.task.closed, screening.task.parked, screening.task.resumed,
screening.vote.revised, screening.conflict.opened, screening.record.advanced, screening.record.included,
screening.record.excluded, screening.record.reopened, screening.agreement.fell, screening.agreement.recovered,
screening.queue.moved.

Nobody sees another's vote on a task before it is closed, except, once all its independent votes are in, who has
voted on it, and the adjudicator who holds its conflict and has given their own first look (`commands/conflicts.py`).
No event before `screening.task.closed` tells a vote. Who parked a task and why, and what people note of it for
themselves, others see no earlier. docs/blindness.md has the whole promise.

What can be undone. Until the last independent vote on a task is in, its people may take theirs back
(`commands/undoing.py`). After that, what they would answer now is kept beside their vote and counts nowhere
(`commands/revising.py`). A lead has a decided record decided again (`commands/reopening.py`): its votes are set aside,
and no vote of before counts there; or they stand, and an adjudicator decides, whatever they say.

What an amendment does. A later protocol version may add, rename, drop or reorder stages, change questions,
and move the dates. A task on which somebody voted, or that somebody holds, keeps the question, the answers and the
number of votes it was opened with; its votes keep that version's number. When a record passes a stage, it goes on to
the first stage of the newest version that it has not passed (a stage is its name: a renamed one is a new question).
Decisions that were made stand. A job goes through the records once (`commands/amending.py`): what nobody has begun is
asked by the newest version, and where that has the stage no more the record goes on to the next; what the dates kept
out and now admit is opened, what nobody has voted on and they now refuse is closed.

What a lead does with many records at once is a batch (`commands/batches.py`), which a job carries out and undoes: they
are decided by the lead or as a file states, where nobody has voted, parked, brought back, or opened again.

What a change of a theory does. Where a CMOC says something else now, a job asks anew about what was excluded for it at
the stages that the protocol names (`commands/theories.py`): under the newest version, whose votes alone count.

What a name of before does. Who voted before people had ids did so under a name; once it is said whose it is, a job has
the votes be theirs (`commands/names.py`). Where one person voted on a task under two names, the first vote counts and
the other is void; a task that its votes decide no more opens again, and its record goes back to it. What the
record passed later it need not pass again.

`commands/steps.py` is what can happen to a record, whoever causes it: people (`commands/queue.py`), events
(`reactions`, of which `arrivals` takes new records in, many at a time) or the clock (`jobs.py`). `views.py` shows what
there is, blind where it must be.
"""
