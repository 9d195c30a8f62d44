"""`living screen`: a day of screening in a terminal, by one key per answer.

What a reviewer sees and does is a state machine without a terminal, a clock or a network (`session.py`): keys and the
platform's answers go in, cards and requests come out. Around it: what a card holds (`cards.py`), which key means what
(`keys.py`), questions that are answered one after another (`prompts.py`), what is drawn (`showing.py`), the terminal
itself (`terminal.py`), threads that ask the platform (`asking.py`), and the loop over all of them (`running.py`).
"""
