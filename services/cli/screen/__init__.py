"""`living screen`: a day of screening in a terminal, by one key per answer.

What a reviewer sees and does is a state machine without a terminal, a clock or a network (`session.py`): keys and the
platform's answers go in, cards and requests come out (`cards.py`, `exchange.py`). It stands on which key means what
(`keys.py`), and on questions that are answered one after another (`prompts.py`) and make up a ballot (`ballots.py`).
Around it: what is drawn (`showing.py`), the terminal itself (`terminal.py`), threads that ask the platform
(`asking.py`), and the loop over all of them (`running.py`).
"""
