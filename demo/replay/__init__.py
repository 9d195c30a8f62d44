"""A replay of bibliographic APIs, shipped with the platform: for demos, drills and tests without the net.

`replay_app(corpus)` speaks the documented list endpoints of OpenAlex, Crossref, the E-utilities, Europe PMC,
DOAJ, arXiv and Semantic Scholar, and the look-up of Unpaywall, each under a path of its own (`demo/replay/app.py`),
as far as our adapters use them; a parameter outside that part gets the API's own documented error. Corpora:
bibliographic facts in a YAML file (`PapersCorpus`), whose entry dates and ids may be synthetic and say so
there, and recorded OpenAlex works (`OpenAlexWorksCorpus`). `python -m demo.replay` runs it.
"""
