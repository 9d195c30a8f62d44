"""Synthesis: holds the coded evidence against the theories, and keeps the signed revisions of what they say.

Owns: reports and their studies, who codes each and what two coders differ in, fragments and links with what was judged
of them, what is known of each study, CMOCs and their history, notices, re-judgements, proposals, comments on drafts,
triggers, drafts, revisions and their deposits, the course of a review, how far each source was searched, when people
searched by hand, and what people write for reports.

Reacts to: protocol.version.published, screening.record.included, screening.record.excluded,
screening.record.reopened, ingest.record.merged, ingest.record.split, ingest.record.noticed, ingest.anchor.found,
ingest.anchor.lost, ingest.run.finished, ingest.search.fulfilled, people.handover.accepted,
people.name.mapped.

Emits: synthesis.evidence.linked, synthesis.fragment.described, synthesis.link.appraised, synthesis.extraction.opened,
synthesis.extraction.finished, synthesis.extraction.reconciled, synthesis.characteristics.recorded,
synthesis.confidence.judged, synthesis.theory.changed, synthesis.proposal.opened, synthesis.proposal.closed,
synthesis.rejudgement.opened, synthesis.rejudgement.closed, synthesis.links.questioned, synthesis.links.rejudged,
synthesis.comment.made, synthesis.comment.answered, synthesis.comment.resolved, synthesis.revision.drafted,
synthesis.revision.published, synthesis.revision.withdrawn, synthesis.doi.assigned, synthesis.review.overdue,
synthesis.course.changed, synthesis.report_text.written.

How it re-runs. Whatever changes what the synthesis says (evidence, a notice, a new wording) writes an arrival,
in the transaction that changes it, with the CMOCs that it concerns. A job takes the arrivals of a review in,
recomputes these from what stands, and keeps the result as the draft. A draft becomes a revision when a person signs it,
and not before.

A lead may withdraw a revision (`commands/withdrawals.py`): what was signed stays, whoever reads it is told, and the
newest that is not withdrawn is in force.

A revision gives itself away as a package (`ports/crates.py`), from which each number follows (`domain/matrix.py`), and
in forms that others read (`ports/forms/`). Where it is to have a DOI, its package is deposited once (`ports/dois/`).

Support counts the independent studies with a standing link of any stance but `contradicts`; see
`domain/states.py` for why. Retraction, withdrawal and replacement suspend a report's evidence; correction,
expression of concern and partial retraction only flag what it speaks to; see `domain/notices.py`.
"""
