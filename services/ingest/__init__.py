"""Ingest: pulls new literature from bibliographic sources and keeps one record for each work.

Owns: watches (over each strategy of a review, over what each source changes, over citations), runs, source records,
searches that people make by hand, files that people bring and take away, what they add by hand, canonical records with
the provenance of each field, the keys that these are found by, mergers, splits, possible duplicates, what people ruled
about them, what files state was decided before, relations, which works included reports cite and are cited by, notices
(retractions and the like), rejections, raw answers of sources and how far they were read again, what sources say of our
budget and which of them are left alone, where the texts of reports are open, copies of these, whether each is sought,
retrieved or not, the passages that they are parsed to, the quotes that are anchored in them, and what is proposed
to coders of them, with how well that was evaluated.

Reacts to:
    protocol.version.published    watches what the newest version asks for
    screening.record.advanced     notes the stage that it passed, and has its full text be sought where that is needed
    screening.record.included     notes that it passed the last one, and the same
    screening.record.excluded     looks up no more what sources change about it
    screening.record.reopened     looks that up again
    synthesis.evidence.linked     what people code by quotes is what proposers are held against
    synthesis.links.rejudged      and no more once it is withdrawn
    synthesis.extraction.reconciled   nor where it was dropped
    synthesis.theory.changed      nor where it was taken back

Emits:
    ingest.record.discovered      a work entered a review
    ingest.record.updated         its description changed
    ingest.record.merged          it turned out to be another record
    ingest.record.split           it was parted from another one
    ingest.record.related         it hangs together with another one, or does so no more
    ingest.record.corrected       a person said what a field of its description is, or took that back
    ingest.decision.stated        a file states that somebody decided something about it before
    ingest.record.added           a person added what no search brought
    ingest.record.noticed         its report was retracted, corrected, reinstated ...
    ingest.text.sought            the full text of its report is looked for
    ingest.text.retrieved         a copy of it is kept
    ingest.text.not_retrieved     it cannot be had, as somebody says
    ingest.text.withdrawn         a copy is one of it no more
    ingest.text.parsed            a copy was parsed to passages, or cannot be
    ingest.anchor.found           a quote of a copy that was parsed anew stands there, too
    ingest.anchor.lost            it does not stand there any more
    ingest.run.finished           one pull of one strategy, or one chase of citations, ended
    ingest.sweep.finished         one look at what a source has changed ended
    ingest.file.imported          the records of a file that somebody brought were taken in
    ingest.search.due             a search that people make by hand is due, or its day has passed
    ingest.search.fulfilled       one was made: its files are in, or somebody signed that nothing is new
    ingest.lack.accepted          a lead lets the runs of a watch lack so many works, or takes that back
    ingest.watch.stopped          a watch was retired or paused
    ingest.source.drifted         a source answered in a form it does not document
    ingest.source.parked          a source asks to be left alone for long
    ingest.source.resumed         where texts are open is answered again
    ingest.proposer.evaluated     what proposes codings was held against what people coded
    ingest.proposer.switched      coders are shown what it proposes, or no more
"""
