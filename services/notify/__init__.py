"""Notify: tells subscribers what changed and why, one notice for each published revision and subscription.

Owns: subscriptions, notices (frozen when written), deliveries and their attempts; the feed is its notices.
Reacts to: synthesis.revision.published, synthesis.review.overdue.
Emits: notify.notice.delivered, notify.delivery.failed.
"""
