"""Markdown in templates: the tag ``{% markdown %}`` and the filter of that name, by markdown-it.

Values printed inside the tag are no Markdown: a mark stands for each while the source is converted, and the
escaped value is put in its place afterwards. So no value makes a link, a tag or another paragraph.
"""

from __future__ import annotations

import re
import secrets
import textwrap
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING, Any

import jinja2
from jinja2 import nodes
from jinja2.ext import GETTEXT_FUNCTIONS, Extension
from markupsafe import Markup, escape

from aerogram.exceptions import MissingDependency

if TYPE_CHECKING:
    from jinja2.parser import Parser
    from markdown_it import MarkdownIt

__all__ = ["MarkdownExtension"]

_VALUE = "_markdown_value"
_BEGIN = f"zq{secrets.token_hex(6)}n"  # letters and digits mean nothing to Markdown, and no data guesses them
_MARKS = re.compile(f"{_BEGIN}([0-9]+)qz")
_URLS_AND_MARKS = re.compile(rf'\b(href|src)="([^"]*{_BEGIN}[^"]*)"|{_MARKS.pattern}')
_ALONE = re.compile(rf"<p>\s*((?:{_BEGIN}[0-9]+qz\s*)+)</p>")
_BLOCK = re.compile(
    r"\s*<(?:!--|(?:address|blockquote|center|div|dl|h[1-6]|hr|ol|p|pre|section|table|ul)\b)", re.I
)
_ITEM = re.compile(r"(?:[-+*]|\d{1,9}[.)])(?:\s|$)")
_FENCE = re.compile("(```+|~~~+)")

_values: ContextVar[list[Any]] = ContextVar("aerogram_markdown_values")


class MarkdownExtension(Extension):
    """Jinja's tag ``{% markdown %}`` and the filter ``markdown``; in text parts the source stays as it is."""

    tags = {"markdown"}

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        environment.filters.setdefault("markdown", markdown)
        environment.filters[_VALUE] = _mark_of

    def parse(self, parser: Parser) -> nodes.Node:
        """Parse a block of Markdown."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endmarkdown",), drop_needle=True)
        call = self.call_method("_render", [nodes.ContextReference()])
        return nodes.CallBlock(call, [], [], _marked(body)).set_lineno(line)

    def _render(self, context: Any, caller: Callable[[], str]) -> str:
        values: list[Any] = []
        token = _values.set(values)
        try:
            source = str(caller())
        finally:
            _values.reset(token)
        if context.eval_ctx.autoescape:
            return Markup(_filled(_converted(source), values))  # noqa: S704 - values are escaped
        return _MARKS.sub(lambda mark: str(values[int(mark[1])]), textwrap.dedent(source))


@jinja2.pass_eval_context
def markdown(context: Any, value: object) -> str:
    """Return Markdown as HTML; in a text part, as it is. HTML in it is shown as text."""
    if isinstance(value, jinja2.Undefined) or not context.autoescape:
        return str(value)  # an undefined one raises its error
    return Markup(_parser().render(_unindented(str(value))))  # noqa: S704 - raw HTML is off


@jinja2.pass_context  # so that Jinja does not compute it for constants when it compiles
def _mark_of(_context: object, value: Any) -> str:
    values = _values.get()
    values.append(value if hasattr(value, "__html__") else str(value))
    return f"{_BEGIN}{len(values) - 1}qz"


def _marked(body: list[nodes.Node]) -> list[nodes.Node]:
    """Replace what a block prints by marks: values, and the HTML of macros called with a body."""
    return [_marked_node(node) for node in body]


def _marked_node(node: nodes.Node) -> nodes.Node:
    if isinstance(node, nodes.CallBlock | nodes.FilterBlock):
        return nodes.FilterBlock([node], _filter_of(None, node.lineno)).set_lineno(node.lineno)
    if isinstance(node, nodes.Output):
        node.nodes = [
            each if isinstance(each, nodes.TemplateData) else _marked_value(each) for each in node.nodes
        ]
    elif not isinstance(node, nodes.Macro | nodes.AssignBlock):
        for name in ("body", "else_", "elif_"):
            if isinstance(inner := getattr(node, name, None), list):
                setattr(node, name, _marked(inner))
    return node


def _marked_value(node: nodes.Expr) -> nodes.Expr:
    if (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name in GETTEXT_FUNCTIONS
    ):
        for keyword in node.kwargs:  # a translation is Markdown, and what is put into it is not
            keyword.value = _filter_of(keyword.value, node.lineno)
        return node
    return _filter_of(node, node.lineno)


def _filter_of(node: nodes.Expr | None, line: int) -> nodes.Filter:
    made = nodes.Filter(node, _VALUE, [], [], None, None)
    made.lineno = line
    return made


@lru_cache(maxsize=256)
def _converted(source: str) -> str:
    # The source is that of a template, with marks: the same for most messages.
    return str(_parser().render(_unindented(source)))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    try:
        from markdown_it import MarkdownIt
    except ImportError:
        raise MissingDependency(
            "Markdown needs markdown-it-py, which is not installed: pip install 'aerogram[markdown]'."
        ) from None
    # Without code by indentation: templates are indented for other reasons.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    return parser.disable("code")


def _filled(html: str, values: list[Any]) -> str:
    """Replace the marks by their values, and check and encode the URLs that contain them."""

    def alone(found: re.Match[str]) -> str:
        texts = [values[int(number)] for number in _MARKS.findall(found[1])]
        has_block = any(hasattr(text, "__html__") and _BLOCK.match(escape(text)) for text in texts)
        return found[1] if has_block else found[0]

    def filled(found: re.Match[str]) -> str:
        if found[3]:
            return escape(values[int(found[3])])
        url = _MARKS.sub(lambda mark: str(values[int(mark[1])]), unescape(found[2])).strip()
        if not _parser().validateLink(url):
            raise jinja2.TemplateRuntimeError(
                "a link in {% markdown %} has a URL of a scheme that is not allowed, such as javascript:"
            )
        return f'{found[1]}="{escape(_parser().normalizeLink(url))}"'

    return _URLS_AND_MARKS.sub(filled, _ALONE.sub(alone, html))


def _unindented(source: str) -> str:
    """Remove the indentation without meaning: all but that of content of list items."""
    return "\n".join(_unindented_lines(source.expandtabs(4).split("\n")))


def _unindented_lines(lines: list[str]) -> Iterator[str]:
    shift = 0  # what is removed
    item: int | None = None  # where the outermost list that is open stands
    fence = ""
    for line in lines:
        text = line.lstrip(" ")
        indent = len(line) - len(text)
        mark = _FENCE.match(text)
        if fence:
            fence = "" if mark and mark[1].startswith(fence) else fence
        elif text:
            is_item = _ITEM.match(text) is not None
            if item is None or indent < item or (indent == item and not is_item):
                item, shift = (indent if is_item else None), indent
            fence = mark[1] if mark else ""
        yield line[min(shift, indent) :]
