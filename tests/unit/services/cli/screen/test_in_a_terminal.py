"""`living screen` in a real terminal, which is given back as it was however the day ends, and reads well in any."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.replay.server import ReplayServer
from shared.errors import Invalid
from tests.flows.profiles import ROOT
from tests.flows.terminal import Screen, Terminal
from tests.unit.services.screening.rig import DEPTH, REVIEW, SIFT
from tests.waiting import eventually

pytestmark = pytest.mark.waits

#: Codes of SGR that are colours.
COLOURS = {str(code) for code in (*range(30, 39), *range(40, 49), *range(90, 98))}

Screens = Callable[..., Terminal]


@pytest.fixture
def screens(served, tmp_path) -> Iterator[Screens]:
    """Runs `living screen` as ana, in a terminal of its own."""
    with ExitStack() as stack:

        def start(*words: str, width: int = 80, height: int = 24, key: str | None = None, **settings: str) -> Terminal:
            given = {name: value for name, value in os.environ.items() if not name.startswith("LIVING_TEST_")}
            for name in ("NO_COLOR", "PYTHONIOENCODING", "COLUMNS", "LINES"):
                given.pop(name, None)
            given |= {
                "PYTHONPATH": str(ROOT),
                "TERM": "xterm-256color",
                "LIVING_KEY": key or served.token("ana", "reviewer"),
            }
            words = ("screen", REVIEW, *words)
            return stack.enter_context(Terminal(words, given | settings, tmp_path, width=width, height=height))

        yield start


def seen(text: str) -> Callable[[Screen], bool]:
    return lambda screen: text in screen.text()


def answerable(screen: Screen) -> bool:
    """Whether the answers are not dim."""
    return "[i] include" in screen.text() and "2" not in screen.styled("[i] include")


def is_given_back(terminal: Terminal) -> bool:
    return terminal.mode() == terminal.before and not terminal.screen.modes & {"1049", "2004"}


def test_a_day_ends_with_its_votes_cast_the_rest_given_back_and_the_terminal_as_it_was(screening_at, screens):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2", "r3")
    terminal = screens()

    terminal.until(answerable)
    terminal.press("i")
    terminal.until(seen("1 done"))
    terminal.until(answerable)
    terminal.press("e")
    terminal.until(seen("Why exclude?"))
    terminal.press("no data\r")
    terminal.until(seen("2 done"))
    terminal.press("q")

    assert terminal.ends() == 0 and is_given_back(terminal)
    assert "2 records are answered" in terminal.screen.text()
    votes = [rig.record(record)["stages"][0]["votes"] for record in ("r1", "r2", "r3")]
    assert [[(it["answer"], it["reason"]) for it in cast] for cast in votes] == [
        [("include", None)],
        [("exclude", "no data")],
        [],
    ]
    assert rig.queue("sift")["in_hand"] == 0


def test_what_is_in_hand_counts_as_left(screening_at, screens):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2", "r3")
    rig.claims("ana")
    terminal = screens()

    terminal.until(seen("3 left"))
    terminal.press("q")

    assert terminal.ends() == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 0)], ids=lambda it: str(it)
)
def test_a_signal_gives_back_the_terminal_and_what_is_held(screening_at, screens, number, code):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2")
    terminal = screens()
    terminal.until(answerable)
    assert rig.queue("sift")["in_hand"] == 2

    terminal.signal(number)

    assert terminal.ends() == code and is_given_back(terminal)
    assert rig.queue("sift")["in_hand"] == 0


def test_ctrl_c_leaves_and_ctrl_s_does_not_make_it_look_dead(screening_at, screens):
    screening_at(SIFT).discovers("r1")
    terminal = screens()
    terminal.until(answerable)

    terminal.press("\x13?")
    terminal.until(seen("Keys"))
    terminal.press("\x03")

    assert terminal.ends() == 0 and is_given_back(terminal)


def test_it_stops_with_the_terminal_as_it_was_and_goes_on_where_it_was(screening_at, screens):
    screening_at(SIFT).discovers("r1")
    terminal = screens()
    terminal.until(answerable)

    stopped = terminal.group
    terminal.press("\x1a")  # Ctrl-Z
    eventually(lambda: terminal.look(0.02) or is_given_back(terminal))
    eventually(lambda: "T" in stat_of(stopped))
    assert "On r1" not in terminal.screen.text()
    os.killpg(stopped, signal.SIGCONT)
    terminal.until(answerable)
    terminal.press("i")
    terminal.until(seen("1 done"))
    terminal.press("q")

    assert terminal.ends() == 0 and is_given_back(terminal)


def stat_of(pid: int) -> str:
    """What a process does, as `ps` has it; T is stopped."""
    return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def troubled(app: ASGIApp, troubles: list[str]) -> ASGIApp:
    """An application before which something fails: votes are `done` and no answer comes back, or `refused` undone, each
    once in their order; anything else passes."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("/vote") or not troubles:
            await app(scope, receive, send)
            return
        trouble, _, status = troubles.pop(0).partition(" ")

        async def lose(message: Message) -> None:
            """What the application answers goes nowhere."""

        if trouble == "done":
            await app(scope, receive, lose)
        await send({"type": "http.response.start", "status": int(status), "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return answer


def test_a_vote_whose_answer_is_lost_again_and_again_is_one(screening_at, screens):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2", "r3")
    troubles = ["done 503", "refused 429", "done 500", "refused 503", "done 502", "refused 504", "done 503"]
    with ReplayServer(troubled(rig.bench.app, troubles)) as server:
        terminal = screens(LIVING_URL=server.url)
        for number, key in enumerate("iui", 1):
            terminal.until(answerable)
            terminal.press(key * 3)
            terminal.until(seen(f"{number} done"))
        terminal.press("q")
        assert terminal.ends() == 0 and troubles == []

    answers = [[vote["answer"] for vote in rig.record(it)["stages"][0]["votes"]] for it in ("r1", "r2", "r3")]
    assert answers == [["include"], ["unsure"], ["include"]]


def test_a_lease_that_lapsed_is_told_and_what_was_typed_is_there_when_the_record_comes_again(screening_at, screens):
    rig = screening_at(SIFT)
    rig.discovers("r1")
    terminal = screens()
    terminal.until(answerable)
    terminal.press("e")
    terminal.until(seen("Why exclude?"))
    terminal.press("no data")
    rig.bench.clock.advance(hours=2)
    terminal.press("\r")

    terminal.until(seen("went back to the queue"))
    terminal.until(seen("(as before)"))
    terminal.until(answerable)
    terminal.press("e")
    terminal.until(seen("> no data"))
    eventually(lambda: not terminal.look(0.3))
    terminal.press("\r")
    terminal.until(seen("1 done"))

    (vote,) = rig.record("r1")["stages"][0]["votes"]
    assert (vote["answer"], vote["reason"]) == ("exclude", "no data")


@contextmanager
def nonsense() -> Iterator[str]:
    """A server whose every answer is a claim of a task that is none."""

    async def answer(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"tasks": [{"record": {}}]}'})

    with ReplayServer(answer) as server:
        yield server.url


def test_a_mistake_of_ours_leaves_the_terminal_as_it_was_and_is_seen(screens):
    with nonsense() as url:
        terminal = screens(key="a.b.c", LIVING_URL=url)

        assert terminal.ends() == 1 and is_given_back(terminal)
    assert "KeyError" in terminal.screen.text()


def test_a_platform_that_is_away_is_told_and_leaving_is_possible(screens):
    terminal = screens(key="a.b.c", LIVING_URL="http://127.0.0.1:9")

    terminal.until(seen("not reached"))
    terminal.press("q")

    assert terminal.ends() == 0 and is_given_back(terminal)


def test_who_may_not_screen_reads_why_and_no_more(screening_at, screens, served):
    screening_at(SIFT).discovers("r1")
    terminal = screens(key=served.token("rita", "reader"))

    assert terminal.ends() == 1 and is_given_back(terminal)
    assert "role needed" in terminal.screen.text() and "Traceback" not in terminal.screen.text()


def test_without_a_terminal_it_says_what_to_use_instead(screening_at, as_):
    screening_at(SIFT)

    refused = as_("ana", "screen", REVIEW)

    assert isinstance(refused.exception, Invalid) and "living queue next" in refused.exception.detail


def test_a_terminal_that_cannot_move_its_cursor_is_not_written_to(screening_at, screens):
    screening_at(SIFT)
    terminal = screens(TERM="dumb")

    assert terminal.ends() == 1 and "TERM" in terminal.screen.text() and is_given_back(terminal)


def test_a_window_may_be_resized_while_one_reads(screening_at, screens):
    screening_at(SIFT).discovers("r1", abstract="Gardens that are tended bear fruit. " * 40)
    terminal = screens(width=130, height=40)
    terminal.until(answerable)
    assert "context: before it" in terminal.screen.text()

    for width, height in ((60, 20), (41, 12), (20, 6), (80, 24)):
        terminal.resize(width, height)
        terminal.until(lambda screen, width=width: width < 40 or answerable(screen))
    terminal.press("q")

    assert terminal.ends() == 0


def colours_of(terminal: Terminal) -> set[str]:
    """The codes of colours that are on its screen."""
    styles = {style for row in terminal.screen.cells for _, style in row}
    return {code for style in styles for code in style.split(";")} & COLOURS


def test_there_are_colours_and_none_for_whoever_wants_none(screening_at, screens):
    screening_at(SIFT).discovers("r1")
    for settings, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        terminal = screens(**settings)
        terminal.until(answerable)

        assert bool(colours_of(terminal)) is coloured
        terminal.press("q")
        assert terminal.ends() == 0


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_terminal_of_any_encoding_is_written_in_it(screening_at, screens, encoding):
    rig = screening_at(DEPTH)
    rig.discovers("r1", title="Jardines en España: 三つの病院")
    terminal = screens(PYTHONIOENCODING=encoding)
    if encoding == "latin-1":
        terminal.screen.read_as(encoding)

    terminal.until(seen("Jardines"))
    text = terminal.screen.text()
    terminal.press("q")

    assert terminal.ends() == 0
    assert ("España" in text) is (encoding != "ascii") and ("三つの病院" in text) is (encoding == "utf-8")
    assert ("│" in text or "─" in text) is (encoding == "utf-8")


def test_what_a_title_would_do_to_a_terminal_is_not_done(screening_at, screens):
    screening_at(SIFT).discovers("r1", title="\x1b]0;mine\x07\x1b[2J\u202eonions")
    terminal = screens()

    terminal.until(seen("onions"))  # The screen fails of whatever it does not know.
    assert "\ufffd]0;mine\ufffd\ufffd[2J\ufffdonions" in terminal.screen.text()


def test_what_is_pasted_into_it_votes_for_nothing(screening_at, screens):
    rig = screening_at(SIFT)
    rig.discovers("r1", "r2")
    terminal = screens()
    terminal.until(answerable)

    terminal.press("\x1b[200~include iiii\x1b[201~?")
    terminal.until(seen("Keys"))
    terminal.press("?q")

    assert terminal.ends() == 0 and "0 records are answered" in terminal.screen.text()


def test_a_card_is_on_its_way_before_models_and_the_lasting_line_are_loaded():
    program = "import sys; from services.cli.screen import running; print({'pydantic', 'httpx'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert ran.stdout.strip() == "set()"
