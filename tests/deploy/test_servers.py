"""What each server is started with."""

from __future__ import annotations

from deploy.local.servers import _cluster_id


def test_a_cluster_id_is_never_taken_for_an_option():
    made = [_cluster_id() for _ in range(2000)]

    assert not [name for name in made if name.startswith("-") or len(name) != 22]
