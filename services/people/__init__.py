"""People: who acts in a review, with what role, by which keys, and how that is taken back.

Owns: persons and their names, which nobody else has; whose the names of before are; memberships, invitations, keys, how
people sign in, which reviews are public, and who is to take one over.
Reacts to: protocol.version.published.
Emits: people.member.joined, people.member.left, people.role.changed, people.publicity.changed,
people.handover.proposed, people.handover.closed, people.handover.accepted, people.name.mapped, people.key.made,
people.access.withdrawn.
"""
