"""What the readers of strategies have in common: brackets and operators over a list of tokens, in linear time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared.strategies.tree import DEEPEST, LONGEST, Node, Not, Read, StrategyFault, all_of, any_of

Kind = Literal["(", ")", "AND", "OR", "NOT", "term"]

#: Quotation marks of typewriters and of word processors, which are told apart by nobody.
QUOTES = '"“”„‟″'


@dataclass(frozen=True, slots=True)
class Token:
    """A bracket, an operator or a term, and where it stands (an index into the strategy)."""

    kind: Kind
    at: int
    node: Node | None = None


def bounded(text: str) -> None:
    """Raises StrategyFault for what no reader should begin to read."""
    if len(text) > LONGEST:
        raise StrategyFault(f"it has {len(text):,} characters, and may have {LONGEST:,}", text, LONGEST)
    if not text.strip():
        raise StrategyFault("it is empty", text, 0)
    for letter in "\0\ufffe\uffff":
        if letter in text:
            raise StrategyFault("a character that cannot be searched for", text, text.index(letter))
    surrogate = next((at for at, letter in enumerate(text) if "\ud800" <= letter <= "\udfff"), None)
    if surrogate is not None:
        raise StrategyFault("half a surrogate pair, which is no character", text, surrogate)


def assembled(text: str, tokens: list[Token], warnings: list[str], *, left_to_right: bool, alone: bool) -> Read:
    """The tree of a strategy's tokens; terms side by side are joined by AND.

    Operators go `left_to_right`, or AND and NOT before OR. `alone` says whether NOT may stand without a left side.
    Raises StrategyFault.
    """
    return _Assembler(text, tokens, warnings, left_to_right, alone).whole()


#: A node and how deep it is; what is too deep is refused while it is read.
_Deep = tuple[Node, int]

_ALL = frozenset({"AND", "OR", "NOT"})


class _Assembler:
    def __init__(self, text: str, tokens: list[Token], warnings: list[str], left_to_right: bool, alone: bool) -> None:
        self._text, self._tokens, self._warnings = text, tokens, warnings
        self._left_to_right, self._alone = left_to_right, alone
        self._at = self._depth = 0

    def whole(self) -> Read:
        tree, _ = self._expression()
        if (token := self._peek()) is not None:
            raise self._fault("this bracket is closed and was never opened", token)
        return Read(tree, tuple(dict.fromkeys(self._warnings)))

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _fault(self, why: str, token: Token | None) -> StrategyFault:
        return StrategyFault(why, self._text, token.at if token else len(self._text.rstrip()))

    def _expression(self) -> _Deep:
        if self._left_to_right:
            return self._chain(_ALL)
        parts = [self._chain(_ALL - {"OR"})]
        while (token := self._peek()) is not None and token.kind == "OR":
            self._at += 1
            parts.append(self._chain(_ALL - {"OR"}, token))
        return self._closed("OR", parts, token)

    def _chain(self, joins: frozenset[str], before: Token | None = None) -> _Deep:
        """Operands with these operators between them, the left ones first."""
        kind, parts = "", [self._operand(before)]
        while (token := self._peek()) is not None and token.kind != ")":
            operator = token.kind if token.kind in _ALL else "AND"
            if operator not in joins:
                break
            if token.kind in _ALL:
                self._at += 1
            else:
                self._warnings.append("terms without an operator between them are joined by AND")
            right, depth = self._operand(token)
            joined = "OR" if operator == "OR" else "AND"
            if kind not in ("", joined):
                self._warnings.append("AND and OR stand side by side without brackets, and go from left to right")
                parts = [self._closed(kind, parts, token)]
            kind = joined
            parts.append((Not(right), depth + 1) if operator == "NOT" else (right, depth))
        return self._closed(kind, parts, token)

    def _closed(self, kind: str, parts: list[_Deep], token: Token | None) -> _Deep:
        if len(parts) == 1:
            return parts[0]
        depth = max(depth for _, depth in parts) + 1
        if depth > DEEPEST:
            raise self._fault(f"operators are nested more than {DEEPEST} deep", token)
        nodes = [node for node, _ in parts]
        return (any_of(nodes) if kind == "OR" else all_of(nodes)), depth

    def _operand(self, before: Token | None) -> _Deep:
        token = self._peek()
        operator = before.kind if before is not None and before.kind in _ALL else None
        if token is None or token.kind == ")":
            raise self._fault(f"{operator} has nothing after it" if operator else "a term is missing", before or token)
        self._at += 1
        if token.kind == "term":
            assert token.node is not None  # As every token of this kind.
            return token.node, 1
        if token.kind == "(":
            return self._bracket(token)
        if token.kind == "NOT" and (self._alone or operator == "AND"):
            # `a AND NOT b` is `a NOT b`; elsewhere a NOT needs something before it that it takes from.
            self._deeper(token)
            node, depth = self._operand(token)
            self._depth -= 1
            return Not(node), depth + 1
        raise self._fault(f"{token.kind} has nothing before it", token)

    def _bracket(self, opened: Token) -> _Deep:
        self._deeper(opened)
        if (following := self._peek()) is not None and following.kind == ")":
            raise self._fault("there is nothing between these brackets", opened)
        if following is None:
            raise self._fault("this bracket is never closed", opened)
        inner = self._expression()
        if self._peek() is None:
            raise self._fault("this bracket is never closed", opened)
        self._at += 1
        self._depth -= 1
        return inner

    def _deeper(self, token: Token) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._fault(f"brackets are nested more than {DEEPEST} deep", token)
