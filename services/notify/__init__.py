"""Notify: tells subscribers what changed and why, one notification for each published revision and each subscription
that it concerns, by webhook, mail or chat, at once or in a digest.
It tells leads of trouble with sources, once for each source and day, and of people who agree too little, and whoever is
to search by hand that it is due. Who asks for it is told of conflicts, of stages whose queue ran empty, of
progress, in a digest at most once in so many minutes, and of what their own saved searches come to find.

Owns: subscriptions, notifications (frozen when written), deliveries and their attempts, how it stands with each source,
and how the stages of each review stand; the feeds are its notifications.
Reacts to: synthesis.revision.published, synthesis.revision.withdrawn, synthesis.course.changed,
synthesis.review.overdue, ingest.run.finished,
ingest.sweep.finished,
ingest.watch.stopped, ingest.source.parked, ingest.source.resumed, ingest.search.due, ingest.search.fulfilled,
screening.agreement.fell, screening.conflict.opened, screening.queue.moved,
search.alert.matched,
people.role.changed, people.handover.accepted, people.member.left, people.access.withdrawn, people.name.mapped.
Emits: notify.notice.delivered, notify.delivery.failed.
"""
