"""The services: six small programs that share a shape and nothing else.

    protocol    what a review plans        ingest      what the literature offers
    screening   what people decide         synthesis   what the evidence says
    search      what can be found          notify      who is told

Each folder holds the same files: `manifest.py` is its printed table (routes, event -> effect, jobs),
`domain.py` its pure rules, `models.py` its tables, `store.py` its queries, `handlers.py` its effects,
`jobs.py` its scheduled work, `api.py` its routes. Services never import each other: they know each other
by the events of `shared.events`. `catalog.py` alone knows them all.
"""
