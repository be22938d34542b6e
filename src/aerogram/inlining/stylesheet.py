"""A style sheet, taken apart once: the rules that can stand in style attributes, and the text that stays.

The splitting is ours so that one rule nobody can read never costs the others, and so that what stays in the
``<style>`` element stays as its author wrote it. Declarations are read by premailer's own parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from lxml.cssselect import CSSSelector, SelectorError

from aerogram.inlining.engine import load_premailer

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Declaration", "Kept", "Rule", "Sheet", "declarations", "parse_sheet", "selector"]

_TOKEN = re.compile(
    r"""(?P<skip>/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)|<!--|-->)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\\.|[^{}();,/"'\\\[\]<-]+|.)""",
    re.VERBOSE | re.DOTALL,
)
_OPEN = {"{": "}", "(": ")", "[": "]"}
_BLOCKS_OF_RULES = ("@media", "@supports", "@layer", "@container", "@document", "@-moz-document")
_DEEPEST = 8  # blocks of rules inside each other that are looked into; deeper ones stay as they are
_PSEUDO = re.compile(r"::?[a-zA-Z-]+(?:\([^()]*\))?")
_STATIC_PSEUDO = (":first-child", ":last-child")  # the ones premailer lets stand at the end of a selector
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_TAG_LIKE = re.compile(r"<(?=[/!?a-zA-Z])")
_NEEDS = re.compile(r"[.#][\w-]+")
# Selectors that match nothing here and something in a mail client, which wraps or rewrites the document.
_CLIENT_HOOK = re.compile(
    r"\[data-og|\[owa\]|^u\s*[+~]|ExternalClass|MessageViewBody|#outlook|ReadMsgBody|moz-text-html"
)
_IMPORTANT = re.compile(r"\s*!\s*important\s*$", re.IGNORECASE)


class Declaration(NamedTuple):
    """One property with its value, ``!important`` taken off."""

    name: str
    value: str
    important: bool


class Rank(NamedTuple):
    """A declaration's place in the cascade (CSS Cascade 4, section 6.1): the larger wins."""

    important: bool
    inline: bool
    ids: int
    classes: int
    elements: int
    order: int


@dataclass(frozen=True, slots=True)
class Rule:
    """One selector with its declarations, to be written into style attributes."""

    selector: str
    specificity: tuple[int, int, int]
    declarations: tuple[Declaration, ...]
    order: int
    needs: frozenset[str] = field(default_factory=frozenset)  # classes and ids without which it cannot match


@dataclass(frozen=True, slots=True)
class Kept:
    """One selector whose declarations stay in the sheet; ``selector`` is what of it can be looked up."""

    selector: str
    specificity: tuple[int, int, int]
    names: tuple[tuple[str, bool], ...]  # property, important
    order: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """A style sheet in two halves."""

    rules: tuple[Rule, ...]
    kept: tuple[Kept, ...]
    kept_text: str
    hooks: tuple[tuple[Rule, str], ...]  # rules to keep as well when they match nothing, and their text


@lru_cache(maxsize=128)
def parse_sheet(css: str, first_order: int = 0) -> Sheet:
    """Take a style sheet apart; ``first_order`` is the cascade's number for its first rule."""
    reading = _Reading(first_order)
    for prelude, block in _statements(css):
        reading.statement(prelude, block, wrap=())
    return reading.sheet()


@lru_cache(maxsize=4096)
def declarations(css: str) -> tuple[Declaration, ...]:
    """Read a block of declarations with premailer's parser; what it cannot read is left out."""
    if not css.strip():
        return ()
    pairs = load_premailer().csstext_to_pairs(css)
    return tuple(
        Declaration(name, _IMPORTANT.sub("", value), bool(_IMPORTANT.search(value))) for name, value in pairs
    )


@lru_cache(maxsize=2048)
def selector(text: str) -> CSSSelector | None:
    """Compile a selector, or return ``None`` when lxml cannot."""
    try:
        return CSSSelector(text)
    except (SelectorError, ValueError, AssertionError):
        return None


def specificity(text: str) -> tuple[int, int, int]:
    """Count ids, classes (attributes, pseudo-classes) and elements of a selector (Selectors 3, section 9)."""
    bare = _BRACKETS.sub(".x", _QUOTED.sub("", text))
    pseudos = _PSEUDO.findall(bare)
    elements = sum(pseudo.startswith("::") for pseudo in pseudos)
    classes = len(pseudos) - elements
    bare = _PSEUDO.sub("", bare)
    elements += len(re.findall(r"(?:^|[\s>+~])[a-zA-Z]", bare))
    return bare.count("#"), classes + bare.count("."), elements


class _Reading:
    """What has been read of one sheet so far."""

    def __init__(self, order: int) -> None:
        self.order = order
        self.rules: list[Rule] = []
        self.kept: list[Kept] = []
        self.normal: list[str] = []  # text that stays, made important so that it beats attributes
        self.important: list[str] = []  # text whose author said !important: after the rest, so it still wins
        self.hooks: list[tuple[Rule, str]] = []

    def sheet(self) -> Sheet:
        kept = "\n".join(self.normal + self.important).replace("</", "<\\/")
        return Sheet(tuple(self.rules), tuple(self.kept), kept, tuple(self.hooks))

    def statement(self, prelude: str, block: str | None, wrap: tuple[str, ...]) -> None:
        """Read one statement; ``wrap`` are the preludes of the blocks around it."""
        keyword = prelude.split(None, 1)[0].split("(")[0].lower() if prelude.startswith("@") else ""
        if keyword == "@charset":
            return
        if block is None:
            if keyword:
                self._keep(f"{prelude};", None, wrap)
        elif keyword in _BLOCKS_OF_RULES and len(wrap) < _DEEPEST:
            for inner_prelude, inner_block in _statements(block):
                self.statement(inner_prelude, inner_block, (*wrap, prelude))
        elif keyword:
            self._keep(f"{prelude} {{{block}}}", None, wrap)
        elif prelude:
            self._style_rule(prelude, block, wrap)

    def _style_rule(self, prelude: str, block: str, wrap: tuple[str, ...]) -> None:
        body = declarations(block)
        if not body:
            return
        selectors = _split(prelude)
        if "" in selectors:  # one selector that is none makes the list invalid (Selectors 3, section 5)
            return
        for one in selectors:
            self.order += 1
            if wrap or not _is_inlinable(one):
                self._keep_rule(one, body, wrap)
                continue
            needs = frozenset(_NEEDS.findall(_BRACKETS.sub("", one)))
            rule = Rule(one, specificity(one), body, self.order, needs)
            self.rules.append(rule)
            if _CLIENT_HOOK.search(one):
                self.hooks.append((rule, _written(one, body)))

    def _keep_rule(self, one: str, body: tuple[Declaration, ...], wrap: tuple[str, ...]) -> None:
        star = one.strip() == "*" and not wrap
        for important, texts in ((False, self.normal), (True, self.important)):
            part = tuple(item for item in body if item.important is important)
            if part:
                self._keep(_written(one, part, important=not star or important), texts, wrap)
        names = tuple((item.name, item.important) for item in body)
        self.kept.append(Kept(_PSEUDO.sub("", one).strip() or "*", specificity(one), names, self.order))

    def _keep(self, text: str, texts: list[str] | None, wrap: tuple[str, ...]) -> None:
        texts = self.normal if texts is None else texts
        start = " ".join(f"{prelude} {{" for prelude in wrap)
        end = " }" * len(wrap)
        if wrap and texts and texts[-1].startswith(start) and texts[-1].endswith(end):
            texts[-1] = f"{texts[-1][: -len(end)]}\n  {text}{end}"
        else:
            texts.append(f"{start} {text}{end}" if wrap else text)


def _written(one: str, body: tuple[Declaration, ...], *, important: bool = True) -> str:
    mark = " !important" if important else ""
    text = "; ".join(f"{item.name}: {item.value}{mark}" for item in body)
    text = _TAG_LIKE.sub(r"\\3c ", text)  # the parser has resolved escapes
    return f"{one} {{ {text} }}"


def _is_inlinable(one: str) -> bool:
    """Whether premailer would inline a selector and lxml can look it up; else it stays in the sheet."""
    bare = _BRACKETS.sub("", _QUOTED.sub("", one))
    if "*" in bare or bare.startswith(":") or "," in one:  # premailer cuts at a comma in an attribute's value
        return False
    if ":" in bare and ":" + bare.split(":", 1)[1] not in _STATIC_PSEUDO:
        return False
    return selector(one) is not None


def _statements(css: str) -> Iterator[tuple[str, str | None]]:
    """Split CSS into statements: the prelude, and the block's content or ``None``. Linear, never raises."""
    prelude: list[str] = []
    block: list[str] = []
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
                prelude, block, depth = [], [], 0
            else:
                block.append(text)
        elif text == "{":
            depth = 1
            closers = ["}"]
        elif text == ";" and "".join(prelude).lstrip().startswith("@"):
            yield "".join(prelude).strip(), None
            prelude = []
        else:
            prelude.append(text)
    if depth:  # the end of the sheet closes what is open (CSS Syntax 3, section 5.4)
        yield "".join(prelude).strip(), "".join(block) + "".join(reversed(closers[1:]))
    elif "".join(prelude).lstrip().startswith("@"):
        yield "".join(prelude).strip(), None


def _split(prelude: str) -> list[str]:
    """Split a selector list at its commas, not at those in strings, brackets and parentheses."""
    parts = [""]
    depth = 0
    for token in _TOKEN.finditer(prelude):
        text = token["text"] or " "
        if text in "([":
            depth += 1
        elif text in ")]":
            depth -= 1
        if text == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += text
    return [" ".join(part.split()) for part in parts]
