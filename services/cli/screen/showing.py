"""Showing: what a session looks like, line by line, in a window of any size; nothing here writes to a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from services.cli.screen.cards import Card
from services.cli.screen.prompts import Line, Pick, key_of
from services.cli.visible import visible
from shared.highlighting import any_of

if TYPE_CHECKING:
    from rich.console import Console

    from services.cli.screen.session import Dialog, Session

#: The smallest window in which a card can be read, and the width from which criteria stand beside it.
LEAST_WIDTH, LEAST_HEIGHT, BESIDE = 40, 12, 110

#: The most columns that a line of an abstract has: longer ones are hard to read.
_READABLE = 100

#: How many authors are named.
_AUTHORS = 6

#: Without colour these still differ: bold, and underlined.
_INCLUDE, _EXCLUDE = "bold green", "underline red"

#: What each action is called.
_CALLED = {
    "undo": "take back",
    "park": "put away",
    "skip": "skip",
    "note": "note",
    "form": "fill in all",
    "highlights": "words",
    "criteria": "criteria",
    "help": "help",
    "leave": "leave",
}


@dataclass(frozen=True)
class Signs:
    """What is drawn with; the plain ones are for a terminal that has no others."""

    wall: str = "│"
    line: str = "─"
    more: str = "▼"
    dot: str = "·"
    etc: str = "…"
    mark: str = "▶"
    on: str = "■"
    off: str = "□"


PLAIN = Signs("|", "-", "v", "-", "...", ">", "x", " ")


@dataclass(frozen=True)
class Shown:
    """The lines of a window, how far its text is scrolled, and how many lines of it are seen at once."""

    lines: list[Text]
    scroll: int
    page: int


class Window:
    """Draws sessions of a review into a window."""

    def __init__(self, review: str, console: Console, signs: Signs) -> None:
        self._review, self._console, self._signs = review, console, signs

    def shown(self, session: Session, width: int, height: int, now: float) -> Shown:
        """A session in a window of so many columns and lines."""
        if width < LEAST_WIDTH or height < LEAST_HEIGHT:
            lines = self._wrapped(f"Make the window larger: {LEAST_WIDTH} columns and {LEAST_HEIGHT} lines", width)
            return Shown([*lines, *[Text()] * height][:height], session.scroll, 1)
        top = [*self._head(session, width, now), Text(self._signs.line * width, style="dim")]
        foot = self._foot(session, width, height // 2, now)
        space = height - len(top) - len(foot)
        body, scroll = self._body(session, width, space)
        return Shown([*top, *body, *foot], scroll, space)

    def _head(self, session: Session, width: int, now: float) -> list[Text]:
        dot = f" {self._signs.dot} "
        pace = session.pace(now)
        figures = [f"{session.done} done"]
        figures += [f"{pace}/h"] if pace is not None else []
        if (left := session.left) is not None:
            figures.append(f"{left.count}{'+' if left.or_more else ''} {'left' if left.for_me else 'open'}")
        right = Text(dot.join(figures))
        right.append(dot)
        right.append(*self._reached(session))
        stage = session.card.stage if session.card is not None else ""
        space = width - right.cell_len - 1
        name = Text(dot.join(filter(None, (visible(self._review), stage))), style="bold")
        if name.cell_len > space and stage:
            name = Text(stage, style="bold")
        name.truncate(max(space, 0), overflow="ellipsis" if self._signs.etc == "…" else "crop", pad=True)
        lines = [Text.assemble(name, " ", right)]
        if session.trouble is not None:
            why, at = session.trouble
            kept = ": your answer is kept and sent again" if session.under_way is not None else ""
            text = f"Trying again in {max(0, round(at - now))} s{kept}. {visible(why)}"
            lines += self._wrapped(Text(text, style="bold red"), width)[:2]
        return lines

    @staticmethod
    def _reached(session: Session) -> tuple[str, str]:
        if session.trouble is not None:
            return "not reached", "bold red"
        if session.leaving:
            return "leaving", "bold"
        if session.under_way is not None:
            return "sending", "yellow"
        return "connected", "green"

    # The card and what stands beside it

    def _body(self, session: Session, width: int, height: int) -> tuple[list[Text], int]:
        card = session.card
        if session.view == "help":
            return self._scrolled(self._help(session, width), session.scroll, width, height)
        if card is None:
            lines = self._wrapped(self._nothing(session), width)
            return self._filled(lines, height), 0
        if session.view == "criteria":
            return self._scrolled(self._criteria(card, width), session.scroll, width, height)
        if width < BESIDE:
            return self._scrolled(self._card(session, card, width), session.scroll, width, height)
        side = max(34, min(60, width * 2 // 5))
        main = width - side - 3
        left, scroll = self._scrolled(self._card(session, card, main), session.scroll, main, height)
        right = self._criteria(card, side)
        if len(right) > height:
            more = f"{self._signs.more} all of it: {session.keys.actions['criteria']}"
            right = [*right[: height - 1], Text(more, style="dim")]
        wall = Text(f" {self._signs.wall} ", style="dim")
        both = []
        for first, second in zip(left, self._filled(right, height), strict=True):
            first.pad_right(main - first.cell_len)
            both.append(Text.assemble(first, wall, second))
        return both, scroll

    def _card(self, session: Session, card: Card, width: int) -> list[Text]:
        width = min(width, _READABLE)
        lines: list[Text] = []
        if card.training:
            lines += self._wrapped(Text(card.training, style="bold yellow"), width)
        for line in card.lesson:
            lines += self._wrapped(Text(line, style="bold"), width)
        if card.lesson:
            lines.append(Text())
        for flag in card.flags:
            lines += self._wrapped(Text(f" {flag} ", style="bold red reverse"), width)
        lines += self._wrapped(self._marked(session, card, card.title, "bold"), width)
        authors = "; ".join([*card.authors[:_AUTHORS], *(["et al."] if len(card.authors) > _AUTHORS else [])])
        about = f" {self._signs.dot} ".join(filter(None, (authors, card.venue, card.published)))
        lines += self._wrapped(Text(about, style="dim"), width) if about else []
        for link in card.links:
            lines += self._wrapped(Text(link, style="cyan"), width)
        lines += self._wrapped(Text(card.record, style="dim"), width)
        if card.full_text:
            lines += self._wrapped(Text(f"Full text: {card.full_text}.", style="cyan"), width)
        if card.restricted:
            lines += self._wrapped(
                Text(f"Restricted: living records show {self._review} {card.record} has what it says.", "yellow"), width
            )
        lines.append(Text())
        if card.abstract:
            lines += self._wrapped(self._marked(session, card, card.abstract, ""), width)
        else:
            lines.append(Text("No abstract.", style="dim"))
        return lines

    def _marked(self, session: Session, card: Card, text: str, style: str) -> Text:
        marked = Text(text, style=style)
        if session.highlighted:
            for words, colour in ((card.include_words, _INCLUDE), (card.exclude_words, _EXCLUDE)):
                if words:
                    marked.highlight_regex(any_of(words), colour)
        return marked

    def _criteria(self, card: Card, width: int) -> list[Text]:
        """The question, what is included and what not, what the words mean, and the CMOCs."""
        parts = [Text(card.question, style="bold"), Text()]
        for heading, mark, criteria, style in (
            ("Include", "+ ", card.included_if, "green"), ("Exclude", "- ", card.excluded_if, "red"),
        ):  # fmt: skip
            if criteria:
                parts.append(Text(heading, style=f"bold {style}"))
                parts += [Text.assemble((mark, style), it) for it in criteria]
                parts.append(Text())
        if card.definitions:
            parts.append(Text("Definitions", style="bold"))
            parts += [Text.assemble((f"{name}: ", "bold"), said) for name, said in card.definitions]
            parts.append(Text())
        if card.cmocs:
            parts.append(Text("CMOCs", style="bold"))
            parts += [Text(cmoc.label) for cmoc in card.cmocs]
        return [line for part in parts for line in self._wrapped(part, min(width, _READABLE))]

    def _nothing(self, session: Session) -> str:
        if session.leaving:
            return "Leaving: what you held is given back."
        if session.loading:
            return "The next record is on its way."
        return "Nothing waits for you. This looks again by itself; what comes is shown."

    def _help(self, session: Session, width: int) -> list[Text]:
        meant = {
            "undo": "take your last answer back; again for the one before",
            "park": "put the record away, with a reason, until you bring it back",
            "skip": "give it back; it comes again later, to you or another",
            "note": "write something down, for yourself",
            "form": "ask with the answer also for what may be left out, a reason too",
            "highlights": "show the include words green and the exclude words red, or not",
            "criteria": "show question, criteria and definitions, or the record again",
            "help": "show this, or the record again",
            "leave": "leave; what you hold and did not answer is given back",
        }
        card = session.card
        rows = [(key, f"answer {name}") for name, key in session.keys.of(card.answers).items()] if card else []
        rows += [(key, meant[name]) for name, key in session.actions().items()]
        rows += [
            ("space b", "a page on, a page back; arrows, PgUp and PgDn do too"),
            ("Esc", "close a question; what you typed is kept"),
            ("Ctrl-C", "leave"),
        ]
        lines = [Text("Keys", style="bold"), Text()]
        for key, what in rows:
            wrapped = self._wrapped(Text(what), max(width - 10, 20))
            lines += [
                Text.assemble((f"{key if not n else '':<9} ", "bold cyan"), part) for n, part in enumerate(wrapped)
            ]
        lines += [Text(), *self._wrapped(Text(
            "While an answer is on its way, and for a quarter of a second after a record came, the keys that answer "
            "are dead: a double press is one answer. An answer is sent until the platform has it, also over a restart.",
            style="dim",
        ), min(width, _READABLE))]  # fmt: skip
        return lines

    # What can be done

    def _foot(self, session: Session, width: int, most: int, now: float) -> list[Text]:
        lines = [Text(self._signs.line * width, style="dim")]
        if session.dialog is not None:
            lines += self._dialog(session.dialog, width, most)
        else:
            lines += self._answers(session, width, now)
            lines += self._actions(session, width)
        style = "bold yellow" if session.is_bad else "cyan"
        said = self._wrapped(Text(visible(session.message), style=style), width)[:2] if session.message else [Text()]
        return [*lines, *said]

    def _answers(self, session: Session, width: int, now: float) -> list[Text]:
        card = session.card
        if card is None:
            return []
        deaf = session.is_deaf(now)
        draft = session.draft()
        keys = session.keys.of(card.answers)
        parts = [Text("[Enter] go on", style="dim" if deaf else "bold green")] if card.lesson else []
        for answer in card.answers:
            asks = answer.reason_required or (card.reasons and answer.leads_to == "exclude")
            name = f"{answer.value}{self._signs.etc if asks else ''}"
            before = draft is not None and draft.answer == answer.value
            style = (
                "dim" if deaf else {"advance": "bold green", "exclude": "bold red"}.get(answer.leads_to, "bold yellow")
            )
            parts.append(
                Text.assemble((f"[{keys[answer.value]}] {name}", style), (" (as before)" if before else "", "dim"))
            )
        question = self._wrapped(Text(card.question, style="dim"), width)[:1] if width < BESIDE else []
        return [*question, *_rows(parts, width)]

    def _actions(self, session: Session, width: int) -> list[Text]:
        parts = [
            Text.assemble((key, "bold"), f" {_CALLED[name]}", style="dim") for name, key in session.actions().items()
        ]
        return _rows(parts, width, gap=2)[:2]

    def _dialog(self, dialog: Dialog, width: int, most: int) -> list[Text]:
        prompt = dialog.prompt
        of = f" ({dialog.at + 1} of {len(dialog.steps)})" if len(dialog.steps) > 1 else ""
        head = Text.assemble((visible(dialog.about), "bold"), f"{of}: ", (prompt.question, "bold"))
        if isinstance(prompt, Pick) and prompt.several:
            head.append(" (several; Enter ends)", style="dim")
        elif not prompt.required:
            head.append(
                " (may be left out: Enter)" if isinstance(prompt, Line) else " (Backspace leaves it out)", "dim"
            )
        lines = self._wrapped(head, width)[:2]
        lines += self._wrapped(Text(prompt.help, style="dim"), width)[:2] if prompt.help else []
        if isinstance(prompt, Line):
            lines += self._line(prompt, width)
        else:
            lines += self._options(prompt, width, max(most - len(lines) - 1, 3))
        if prompt.fault:
            lines.append(Text(prompt.fault, style="bold yellow"))
        return lines

    def _line(self, prompt: Line, width: int) -> list[Text]:
        """The line that is typed, as far as there is space for it, with its cursor."""
        before, after = visible(prompt.text[: prompt.cursor]), visible(prompt.text[prompt.cursor :])
        space = width - 3
        while cell_len(before) > space:
            before = before[1:]
        line = Text.assemble("> ", before, (after[:1] or " ", "reverse"), after[1:])
        line.truncate(width, overflow="crop")
        return [line]

    def _options(self, prompt: Pick, width: int, most: int) -> list[Text]:
        first = max(0, min(prompt.cursor - most // 2, len(prompt.options) - most))
        lines = []
        for number, option in list(enumerate(prompt.options))[first : first + most]:
            chosen = option.value in prompt.chosen
            box = f"{self._signs.on if chosen else self._signs.off} " if prompt.several else ""
            mark = self._signs.mark if number == prompt.cursor else " "
            more = f"  {option.help}" if option.help else ""
            line = Text.assemble(
                f"{mark} ", (f"[{key_of(number)}] ", "bold cyan"), (f"{box}{option.label}", "bold" if chosen else ""),
                (more, "dim"),
            )  # fmt: skip
            line.truncate(width, overflow="ellipsis" if self._signs.etc == "…" else "crop")
            lines.append(line)
        return lines

    # Lines

    def _wrapped(self, text: Text | str, width: int) -> list[Text]:
        text = Text(text) if isinstance(text, str) else text
        return list(text.wrap(self._console, max(width, 1))) or [Text()]

    def _scrolled(self, lines: Sequence[Text], scroll: int, width: int, height: int) -> tuple[list[Text], int]:
        """The part of a text that is seen, whose last line says that there is more."""
        if len(lines) <= height:
            return self._filled(lines, height), 0
        scroll = min(scroll, len(lines) - height + 1)
        seen = list(lines[scroll : scroll + height - 1])
        left = len(lines) - scroll - len(seen)
        hint = f"{self._signs.more} {left} more lines: space" if left > 0 else "the end: b goes back"
        return [*self._filled(seen, height - 1), Text(hint, style="dim")], scroll

    @staticmethod
    def _filled(lines: Iterable[Text], height: int) -> list[Text]:
        lines = list(lines)[:height]
        return [*lines, *(Text() for _ in range(height - len(lines)))]


def _rows(parts: Iterable[Text], width: int, gap: int = 3) -> list[Text]:
    """Parts beside each other, in as many lines as they need; none is broken."""
    rows: list[Text] = []
    for part in parts:
        part.truncate(width, overflow="crop")
        if rows and rows[-1].cell_len + gap + part.cell_len <= width:
            rows[-1].append(" " * gap)
            rows[-1].append_text(part)
        else:
            rows.append(part)
    return rows
