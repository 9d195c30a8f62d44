"""Notify: tells subscribers what changed and why, one notification for each published revision and subscription.

Owns: subscriptions, notifications (frozen when written), deliveries and their attempts; the feed is its notifications.
Reacts to: synthesis.revision.published, synthesis.review.overdue, people.member.left, people.access.withdrawn,
people.name.mapped.
Emits: notify.notice.delivered, notify.delivery.failed.
"""
