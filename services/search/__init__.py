"""Search: makes the records of a review, and what its synthesis says, findable by their words, dates and state.

Owns: the index, which the log can always make again, its rebuilds, the searches that people saved, and of which
    records these have told.
Reacts to: ingest.record.discovered, ingest.record.updated, ingest.record.merged, ingest.record.split,
    ingest.record.noticed,
    screening.task.opened,
    screening.record.advanced, screening.record.included, screening.record.excluded, screening.record.reopened,
    protocol.version.published,
    synthesis.fragment.described, synthesis.theory.changed, synthesis.revision.drafted, synthesis.revision.published,
    synthesis.revision.withdrawn,
    people.member.left, people.access.withdrawn.
Emits: search.alert.matched.
"""
