"""A parsed style sheet: the rules that can stand in style attributes, and the text that stays.

The sheet is split here, so that one unreadable rule does not lose the others, and what stays in the
``<style>`` element stays as its author wrote it. Premailer's parser reads the declarations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from aerogram.inlining.declaration_block import read_declarations
from aerogram.inlining.selector import Selector, read_selector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.inlining.declaration_block import Declaration

_TOKEN = re.compile(
    r"""(?P<skip>/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|<!--|-->)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\\.|[^{}();,/"'\\\[\]<-]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPEN = {"{": "}", "(": ")", "[": "]"}
_BLOCKS_OF_RULES = ("@media", "@supports", "@layer", "@container", "@document", "@-moz-document")
_DEEPEST = 8  # blocks of rules inside each other that are looked into; deeper ones stay as they are
_STATIC_PSEUDO = (":first-child", ":last-child")  # the ones premailer lets stand at the end of a selector
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_BLANKS = re.compile(r"\s+")
_TAG_LIKE = re.compile(r"<(?=[/!?a-zA-Z])")
# Selectors that match nothing here but do in a mail client, which wraps or rewrites the document.
_CLIENT_ONLY = re.compile(
    r"^u\s*[+~]|#(?:outlook|MessageViewBody|MessageWebViewDiv|msgBody)(?![\w-])"
    r"|\.(?:(?:ecx)?ExternalClass|ReadMsgBody|moz-text-html|aBn|a6S|im|ii|CToWUd|g-img|gmail|yshortcuts|undoreset"
    r"|AppleMailSignature|Mso\w+)(?![\w-])"
    r"|\[\s*(?:style|href|class|id|x-|data-og|owa|office365|override)"
)


@dataclass(frozen=True, slots=True, eq=False)
class StyleRule:
    """One selector with its declarations, to be written into style attributes."""

    selector: Selector
    declarations: tuple[Declaration, ...]
    order: int


@dataclass(frozen=True, slots=True, eq=False)
class KeptRule:
    """One selector whose declarations stay in the sheet, and what it may override."""

    selector: Selector
    names: tuple[tuple[str, bool], ...]  # property, important
    order: int


@dataclass(frozen=True, slots=True, eq=False)
class ClientOnlyRule:
    """A rule that matches nothing here and stays in the sheet for the programs where it does.

    Those are mail clients, which rewrite the document (``in_clients``), or browsers, which imply a ``tbody``:
    ``kept`` is the rule without it.
    """

    rule: StyleRule
    in_clients: bool
    text: str
    kept: KeptRule


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """A style sheet in two parts: rules for attributes, and what stays in the sheet."""

    rules: tuple[StyleRule, ...]
    kept: tuple[KeptRule, ...]
    kept_text: str
    client_only: tuple[ClientOnlyRule, ...]


@lru_cache(maxsize=32)  # sheets can be large
def parse_sheet(css: str, first_order: int = 0) -> Sheet:
    """Parse a style sheet, whose first rule has the position ``first_order`` in the cascade."""
    reading = _Reading(first_order)
    for prelude, block in _statements(css):
        reading.statement(prelude, block, wrap=())
    return reading.sheet()


Kept = tuple[tuple[str, ...], str]  # the preludes of the blocks around a statement, and its text


class _Reading:
    """The state of parsing one sheet."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.rules: list[StyleRule] = []
        self.kept: list[KeptRule] = []
        self.normal: list[Kept] = []  # what stays, made important so that it beats attributes
        self.important: list[Kept] = []  # !important already: after the rest, so it still wins
        self.client_only: list[ClientOnlyRule] = []
        # A hostile sheet repeats one block thousands of times.
        self.read_declarations = cache(read_declarations)

    def sheet(self) -> Sheet:
        kept = "\n".join([*_lines(self.normal), *_lines(self.important)]).replace("</", "<\\/")
        return Sheet(tuple(self.rules), tuple(self.kept), kept, tuple(self.client_only))

    def statement(self, prelude: str, block: str | None, wrap: tuple[str, ...]) -> None:
        """Read one statement; ``wrap`` are the preludes of the blocks around it."""
        keyword = prelude.split(None, 1)[0].split("(")[0].lower() if prelude.startswith("@") else ""
        if keyword == "@charset":
            return
        if block is None:
            if keyword:
                self.normal.append((wrap, f"{prelude};"))
        elif keyword in _BLOCKS_OF_RULES and len(wrap) < _DEEPEST:
            for inner_prelude, inner_block in _statements(block):
                self.statement(inner_prelude, inner_block, (*wrap, prelude))
        elif keyword:
            self.normal.append((wrap, f"{prelude} {{{block}}}"))
        elif prelude:
            self._style_rule(prelude, block, wrap)

    def _style_rule(self, prelude: str, block: str, wrap: tuple[str, ...]) -> None:
        body = self.read_declarations(block)
        if body is None:
            self.normal.append((wrap, f"{prelude} {{{block}}}"))
        if not body:
            return
        selectors = _split(prelude)
        if "" in selectors:  # an empty selector makes the list invalid (Selectors 3, section 5)
            return
        for one in selectors:
            self.order += 1
            selector = read_selector(one)
            if wrap or selector is None or not _is_inlinable(one, selector):
                self._keep_rule(one, selector, body, wrap)
                continue
            rule = StyleRule(selector, body, self.order)
            self.rules.append(rule)
            in_clients = bool(_CLIENT_ONLY.search(one))
            if in_clients or "tbody" in selector.words:
                kept = self._kept(selector.without("tbody"), body)
                self.client_only.append(ClientOnlyRule(rule, in_clients, _written(one, body), kept))

    def _keep_rule(
        self, one: str, selector: Selector | None, body: tuple[Declaration, ...], wrap: tuple[str, ...]
    ) -> None:
        star = one == "*" and not wrap
        for important, texts in ((False, self.normal), (True, self.important)):
            part = tuple(item for item in body if item.important is important)
            if part:
                texts.append((wrap, _written(one, part, important=not star or important)))
        if selector is not None and selector.reaches:
            self.kept.append(self._kept(selector, body))

    def _kept(self, selector: Selector, body: tuple[Declaration, ...]) -> KeptRule:
        names = tuple((item.name, item.important) for item in body)
        return KeptRule(selector, names, self.order)


def _lines(statements: list[Kept]) -> Iterator[str]:
    """Yield statements that stay, those of the same blocks around them together."""
    for wrap, group in groupby(statements, itemgetter(0)):
        texts = [text for _, text in group]
        if wrap:
            start = " ".join(f"{prelude} {{" for prelude in wrap)
            texts = [f"{start} " + "\n  ".join(texts) + " }" * len(wrap)]
        yield from texts


def _written(one: str, body: tuple[Declaration, ...], *, important: bool = True) -> str:
    mark = " !important" if important else ""
    text = "; ".join(f"{item.name}: {item.value}{mark}" for item in body)
    text = _TAG_LIKE.sub(r"\\3c ", text)  # the parser has resolved escapes
    return f"{one} {{ {text} }}"


def _is_inlinable(one: str, selector: Selector) -> bool:
    """Return whether premailer would inline a selector; any other stays in the sheet."""
    if not selector.exact or "," in one:  # premailer cuts at a comma in an attribute's value
        return False
    bare = _BRACKETS.sub("", _QUOTED.sub("", one))
    if "*" in bare or bare.startswith(":"):
        return False
    return ":" not in bare or ":" + bare.split(":", 1)[1] in _STATIC_PSEUDO


def _statements(css: str) -> Iterator[tuple[str, str | None]]:
    """Split CSS into statements: the prelude, and the block's content or ``None``. Linear, never raises."""
    prelude: list[str] = []
    block: list[str] = []
    is_at = False  # whether the prelude is that of an at-rule
    closers: list[str] = []
    depth = 0  # closers outside a block: brackets of the prelude
    for token in _TOKEN.finditer(css):
        text = token["text"]
        if text is None:
            continue
        if depth:
            if text in _OPEN:
                closers.append(_OPEN[text])
            elif closers and text == closers[-1]:
                closers.pop()
            elif text == "}" and "}" in closers:  # a block ends even when a bracket in it does not
                while closers.pop() != "}":
                    pass
            if not closers:
                yield "".join(prelude).strip(), "".join(block)
                prelude, block, depth, is_at = [], [], 0, False
            else:
                block.append(text)
        elif text == "{":
            depth = 1
            closers = ["}"]
        elif text == ";" and is_at:
            yield "".join(prelude).strip(), None
            prelude, is_at = [], False
        elif prelude or not text.isspace():
            is_at = is_at or (not prelude and text.lstrip().startswith("@"))
            prelude.append(text)
    if depth:  # the end of the sheet closes what is open (CSS Syntax 3, section 5.4)
        yield "".join(prelude).strip(), "".join(block) + "".join(reversed(closers[1:]))
    elif is_at:
        yield "".join(prelude).strip(), None


def _split(prelude: str) -> list[str]:
    """Split a selector list at its commas, not at those in strings, brackets and parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in _TOKEN.finditer(prelude):
        text = token["text"] or " "
        if text in "([":
            depth += 1
        elif text in ")]":
            depth -= 1
        if text == "," and depth <= 0:
            parts.append([])
        elif text[0] in "'\"":
            parts[-1].append(text)
        else:
            text = _BLANKS.sub(" ", text)
            after_blank = not parts[-1] or parts[-1][-1].endswith(" ")
            parts[-1].append(text.lstrip() if after_blank else text)
    return ["".join(part).strip() for part in parts]
