"""The runtime: what makes a manifest work in a process. Four small parts a service, each with its own health:

    relay     carries the outbox to the log           `relay.py`      leads by the lock "relay"
    listener  does what the table says on an event    `listening.py`  shares the partitions with its replicas
    jobs      runs the scheduled work                 `jobs.py`       leads by the lock "jobs"
    requests  are answered by `shared.http`, with database connections of their own

`running.py` puts them together for one service, `platform.py` the services of one process.
"""
