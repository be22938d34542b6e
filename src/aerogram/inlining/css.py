"""The reader of CSS: the rules of a sheet and the declarations of a block, in their author's words.

tinycss2 finds the structure (CSS Syntax 3). Every text is a slice of the source: nothing is written anew, so
a value that no reader knows is kept as well as any other. What the end of the text leaves open is closed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Declaration",
    "RawDeclaration",
    "RawRule",
    "read_block",
    "read_declarations",
    "read_rules",
    "read_sheet",
    "split_list",
]

_CLOSERS = {"{} block": "}", "[] block": "]", "() block": ")", "function": ")", "comment": "*/"}
_BLANKS = ("whitespace", "comment")
_WHITE_SPACE = " \t\r\n\f"  # of CSS and HTML; a no-break space is a letter
_NAME = re.compile(r"[\w-]+")
_LONG_NUMBER = re.compile(r"\d{1000,}")  # Python refuses to read 4,301 digits
_HEX_AFTER_U = re.compile(r"(?<![\w-])([uU])\+(?=[0-9a-fA-F?])")  # to tinycss2 "u+a" is a range of characters
# A rule without strings, escapes, brackets and comments, and a run of them behind the end of another. Most
# rules of a sheet are such and match nothing, so tinycss2 sees a run as one word.
_SIMPLE_RULE = re.compile(
    r"\s*((?!\s|[^{};]*-->)[^{}\"'\\/()\[\]@;<]*[^{}\"'\\/()\[\]@;<\s:])\s*\{([^{}\"'\\/()\[\]@]*)\}",
    re.ASCII,
)
_SIMPLE_RULES = re.compile(rf"(?:(?<=\}})|\A)(?:{_SIMPLE_RULE.pattern})+", re.ASCII)
_HIDDEN = "\ue000"
_MARK = re.compile(r"\W")
_MOST_MARKS = 20_000  # of a block that is read
_SURROGATE = re.compile("[\ud800-\udfff]")


class Declaration(NamedTuple):
    """One property with its value.

    The name is in lower case unless it is a custom property; the value is the author's text, stripped,
    without ``!important``.
    """

    name: str
    value: str
    important: bool


class RawDeclaration(NamedTuple):
    """A piece of a block up to a semicolon: ``text[start:end]`` without what makes it important.

    ``declaration`` is ``None`` if it cannot be read as one.
    """

    declaration: Declaration | None
    text: str
    start: int
    end: int


class RawRule(NamedTuple):
    """A rule or an at-rule: its source, and where it and the content of its block stand in the text."""

    prelude: str
    block: str | None
    start: int
    block_start: int
    end: int

    @property
    def keyword(self) -> str:
        """``@media`` and the like, in lower case; empty for a style rule."""
        found = _NAME.match(self.prelude, 1) if self.prelude.startswith("@") else None
        return f"@{found[0].lower()}" if found else ""


def read_declarations(text: str) -> list[Declaration]:
    """Return the declarations of a style attribute or a block, in order.

    >>> read_declarations("COLOR: Red !important")
    [Declaration(name='color', value='Red', important=True)]
    """
    found = [part.declaration for part in read_block(text) if isinstance(part, RawDeclaration)]
    return [declaration for declaration in found if declaration is not None]


def read_rules(sheet: str) -> list[RawRule]:
    """Return the rules and at-rules of a sheet, or of a block that holds rules, in order."""
    return read_sheet(sheet)[1]


def read_sheet(sheet: str) -> tuple[str, list[RawRule]]:
    """Return a sheet closed at its end, in which positions count, and its rules and at-rules."""
    source = _Tokenized(sheet, hides_rules=True)
    before = "{} block"
    for value in source.values:
        is_hidden = value.type == "ident" and value.value[0] == _HIDDEN
        if is_hidden and before != "{} block":  # it is the end of another rule
            source = _Tokenized(sheet)
            break
        before = before if value.type in _BLANKS else "{} block" if is_hidden else value.type
    return source.text, [part for part in _parts(source, in_rule=False) if isinstance(part, RawRule)]


def read_block(text: str, *, nesting: bool = True) -> list[RawDeclaration | RawRule]:
    """Return the declarations, nested rules and unreadable pieces of a block, in order.

    A style attribute has no ``nesting``: there, what looks like a rule is unreadable up to its semicolon. A
    block of very many tokens is one unreadable piece.
    """
    if len(text) > _MOST_MARKS and len(_MARK.findall(text)) > _MOST_MARKS:
        return [RawDeclaration(None, text, 0, len(text))]
    return list(_parts(_Tokenized(text), in_rule=True, nesting=nesting))


def split_list(text: str) -> list[str]:
    """Split a list, as of selectors, at its commas; those in strings and parentheses are no separators."""
    source = _Tokenized(text)
    commas = [source.start(value) for value in source.values if value == ","]
    edges = zip([0, *(comma + 1 for comma in commas)], [*commas, len(source.text)], strict=True)
    return [source.text[start:end].strip(_WHITE_SPACE) for start, end in edges]


def tokens(text: str) -> list[Any]:
    """Return the component values of a text, without comments, as tinycss2 gives them."""
    return [value for value in _Tokenized(_HEX_AFTER_U.sub(r"\1 + ", text)).values if value.type != "comment"]


class _Tokenized:
    """A text with its component values, closed where its end leaves something open."""

    def __init__(self, text: str, *, hides_rules: bool = False) -> None:
        for end in ("\r\n", "\r", "\f"):
            text = text.replace(end, "\n")
        text = text.replace("\0", "\ufffd")
        if not text.isascii():
            text = _SURROGATE.sub("\ufffd", text)
            hides_rules = hides_rules and _HIDDEN not in text
        if (len(text) - len(text.rstrip("\\"))) % 2:
            text += "\ufffd"  # an escape of nothing (CSS Syntax 3, section 4.3.7)
        structure = _LONG_NUMBER.sub(lambda found: "x" * len(found[0]), text)
        if hides_rules:
            structure = _SIMPLE_RULES.sub(lambda found: _HIDDEN * (len(found[0]) - 1) + " ", structure)
        from tinycss2 import parse_component_value_list

        self.values: list[Any] = parse_component_value_list(structure + ";")
        self._lines = [0, *[found.end() for found in re.finditer("\n", structure)]]
        self.text = text
        self.text += _close(self)

    def start(self, value: Any) -> int:
        """Return where a component value begins in the text."""
        start: int = self._lines[value.source_line - 1] + value.source_column - 1
        return start

    def start_at(self, index: int) -> int:
        """Return where the value of this number begins; the end of the text if there is none."""
        return self.start(self.values[index]) if index < len(self.values) else len(self.text)

    def hidden_rules(self, value: Any) -> Iterator[RawRule]:
        """Return the rules that stand in the text where tinycss2 saw one word."""
        start = self.start(value)
        for rule in _SIMPLE_RULE.finditer(self.text, start, start + len(value.value) + 1):
            yield RawRule(rule[1], rule[2], rule.start(1), rule.start(2), rule.end())


def _close(source: _Tokenized) -> str:
    """Drop the last semicolon, which shows what the end of the text leaves open; return what closes that."""
    values = source.values
    closers: list[str] = []
    while values:
        last = values[-1]
        if last == ";":
            values.pop()
            break
        if last.type == "error":
            if last.kind == "eof-in-string":
                closers.append(source.text[source.start(last)])
            elif last.kind in ("eof-in-url", "bad-url"):
                closers.append(")")
            break
        closers.append(_CLOSERS.get(last.type, ""))
        values = getattr(last, "content", None) or getattr(last, "arguments", None) or []
    return "".join(reversed(closers))


def _parts(source: _Tokenized, *, in_rule: bool, nesting: bool = True) -> Iterator[RawDeclaration | RawRule]:
    values, index, count = source.values, 0, len(source.values)
    while index < count:
        value = values[index]
        if value.type in _BLANKS or value == (";" if in_rule else "<!--") or (value == "-->" and not in_rule):
            index += 1
            continue
        if in_rule and (found := _declaration(source, index)):
            written, index = found
            yield written
            continue
        if value.type == "ident" and value.value[0] == _HIDDEN and not in_rule:
            yield from source.hidden_rules(value)
            index += 1
            continue
        is_at = value.type == "at-keyword"
        may_have_block = nesting or is_at
        end = index
        while end < count and not (may_have_block and values[end].type == "{} block"):
            if (in_rule or is_at) and values[end] == ";":
                break
            end += 1
        start = source.start(value)
        after = source.start_at(end + 1)
        if may_have_block and end < count and values[end].type == "{} block":
            opening = source.start(values[end])
            block = source.text[opening + 1 : after - 1]
            prelude = source.text[start:opening].strip(_WHITE_SPACE)
            yield RawRule(prelude, block, start, opening + 1, after)
        elif is_at:
            prelude = source.text[start : source.start_at(end)].strip(_WHITE_SPACE)
            yield RawRule(prelude, None, start, after, after)
        elif in_rule:
            text = _rstrip(source.text[start : source.start_at(end)])
            yield RawDeclaration(None, text, start, start + len(text))
        index = end + 1


def _rstrip(text: str) -> str:
    """Strip white space from the end, but not a space that a backslash escapes."""
    kept = text.rstrip(_WHITE_SPACE)
    is_escaped = (len(kept) - len(kept.rstrip("\\"))) % 2
    return text[: len(kept) + is_escaped]


def _declaration(source: _Tokenized, first: int) -> tuple[RawDeclaration, int] | None:
    """Read the declaration that begins with this value; return it and the number of the value behind."""
    values, name = source.values, source.values[first]
    colon = first + 1
    while colon < len(values) and values[colon].type in _BLANKS:
        colon += 1
    if name.type != "ident" or colon >= len(values) or values[colon] != ":":
        return None
    is_custom = name.value.startswith("--")
    seen: list[int] = []
    end = colon + 1
    while end < len(values) and values[end] != ";":
        if values[end].type not in _BLANKS:
            is_block = values[end].type == "{} block"
            if not is_custom and seen and (is_block or values[seen[0]].type == "{} block"):
                return None  # a block must be the whole value (CSS Syntax 3, section 5.5.6)
            seen.append(end)
        end += 1
    important = (
        len(seen) > 1
        and values[seen[-2]] == "!"
        and values[seen[-1]].type == "ident"
        and values[seen[-1]].lower_value == "important"
    )
    value_start = source.start_at(colon) + 1
    value = source.text[value_start : source.start_at(seen[-2] if important else end)]
    start = source.start(name)
    value = _rstrip(value)
    stop = value_start + len(value)
    if any(one.type == "error" and one.kind[:3] != "eof" for one in values[colon:end]):  # "a<line break>
        return RawDeclaration(None, source.text[start : source.start_at(end)], start, stop), end
    value = value.lstrip(_WHITE_SPACE)
    if not value and not is_custom:
        return RawDeclaration(None, source.text[start:stop], start, stop), end
    written = source.text[start : source.start_at(first + 1)].strip(_WHITE_SPACE)
    known = name.value if is_custom else name.lower_value
    known = known if _NAME.fullmatch(known) else written
    return RawDeclaration(Declaration(known, value, important), source.text[start:stop], start, stop), end
