"""The services: seven small programs that share a shape and nothing else.

    protocol    what a review plans        ingest      what the literature offers
    screening   what people decide         synthesis   what the evidence says
    search      what can be found          notify      who is told

Each holds the same layers, as files or folders, where it has something to put there: `manifest` is its printed table
(routes, event -> effect, jobs), `api` its routes, `jobs` what happens by the clock, `reactions` what events cause,
`commands` what people ask for, `views` what they read, `store` its queries, `models` its tables, `ports` what it needs
from outside, `domain` its pure rules. Each looks only into those below it. Services never import each other: they know
each other by the events of `shared.events`. `catalog.py` alone knows them all.
"""
