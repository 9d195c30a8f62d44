"""Running: the loop over keys, signals, what the platform answers and the time, until its reviewer leaves."""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import closing, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from services.cli.screen.asking import Asker
from services.cli.screen.exchange import Done, Failed, Request
from services.cli.screen.session import Session
from services.cli.screen.showing import Window
from services.cli.screen.terminal import Pasted, Terminal, caught
from shared.ids import new_id
from shared.shortcuts import Keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.client import Client

#: Seconds in which what is held is given back where the process is asked to end.
_ENDING = 2.0

_ENDS = {signal.SIGTERM, signal.SIGHUP}


def run(living: Client, review: str, stage: str | None, keys: Keys, count: int) -> tuple[Session, int]:
    """Lets somebody screen until they leave; answers the session, and the signal that ended it, or 0."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    heard: SimpleQueue[Done | Failed] = SimpleQueue()

    def hear(answer: Done | Failed) -> None:
        heard.put(answer)
        # A full pipe wakes as well, and a closed one is of somebody who left.
        with suppress(OSError):
            theirs.send(b".")

    asker = Asker(living, review, stage, hear)
    session = Session(keys, count, asker.can, lambda: new_id("cmd"))
    watched = (signal.SIGINT, signal.SIGTSTP, signal.SIGCONT, signal.SIGWINCH, *_ENDS)
    with closing(ours), closing(theirs), caught(*watched) as signals, Terminal(signals) as terminal:
        loop = _Loop(session, asker, terminal, Window(review, terminal.console, terminal.signs))
        loop.send(session.begin(time.monotonic()))
        while not loop.is_over():
            loop.turn(signals, ours, heard)
    if asker.broken is not None:
        raise asker.broken
    return session, loop.ended_by


class _Loop:
    def __init__(self, session: Session, asker: Asker, terminal: Terminal, window: Window) -> None:
        self._session, self._asker, self._terminal, self._window = session, asker, terminal, window
        self.ended_by = 0
        self._until: float | None = None

    def is_over(self) -> bool:
        ended = self._until is not None and time.monotonic() > self._until
        return self._session.over or ended or self._asker.broken is not None

    def send(self, requests: Iterable[Request]) -> None:
        for request in requests:
            self._asker.send(request)

    def turn(self, signals: int, bell: socket.socket, heard: SimpleQueue[Done | Failed]) -> None:
        """Shows how things are, waits for something, and takes it: keys before what came in after them."""
        session, now = self._session, time.monotonic()
        self._show(now)
        data, signalled, rings = self._terminal.wait(session.wakes_at(now), now, bell.fileno())
        now = time.monotonic()
        if data == b"":
            self._end(int(signal.SIGHUP), now)
        keys = self._terminal.keys
        typed = keys.feed(data) if data else keys.rest() if data is None and keys.is_waiting else []
        for key in typed:
            self.send(session.paste(key.text, now) if isinstance(key, Pasted) else session.press(key, now))
        if signalled:
            for number in os.read(signals, 4096):
                self._take_signal(number, now)
        if rings:
            with suppress(BlockingIOError):
                bell.recv(4096)
            while not heard.empty():
                self.send(session.heard(heard.get(), now))
        self.send(session.tick(now))

    def _show(self, now: float) -> None:
        width, height = self._terminal.size()
        shown = self._window.shown(self._session, width, height, now)
        self._session.scroll, self._session.page = shown.scroll, shown.page
        try:
            self._terminal.paint(shown.lines)
        except OSError:
            self._end(int(signal.SIGHUP), now)

    def _take_signal(self, number: int, now: float) -> None:
        if number == signal.SIGINT:
            self.send(self._session.press("ctrl-c", now))
        elif number in _ENDS:
            self._end(number, now)
        elif number == signal.SIGTSTP:
            self._stop()
        elif number == signal.SIGCONT:
            # Whoever stopped us may have changed it.
            self._terminal.leave()
            self._terminal.enter()

    def _end(self, number: int, now: float) -> None:
        """Leaves with a moment to give back what is held."""
        if self._until is None:
            self.ended_by, self._until = number, now + _ENDING
            self.send(self._session.leave_now(now))

    def _stop(self) -> None:
        """Stops as any program does at Ctrl-Z, with the terminal as it was, until it is called back."""
        self._terminal.leave()
        before = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, before)
        self._terminal.enter()
