"""The values that a template prints inside of ``<style>`` and ``style="…"``, where escaping is not enough."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ValueInCSS", "values_in_css"]

_SHEET = re.compile(r"<(/?)style\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""[\s"']style\s*=\s*(?:"[^"]*|'[^']*)\Z""", re.IGNORECASE)
_LONGEST = 2_000  # characters of a style attribute


class ValueInCSS(NamedTuple):
    """The names whose values an expression may print, and its line."""

    names: frozenset[str]
    line: int


class _Walk:
    def __init__(self) -> None:
        self.before = ""
        self.in_sheet = False
        self.sources: dict[str, set[str]] = {}  # what the variables of the template are made of

    def visit(self, node: nodes.Node) -> Iterator[ValueInCSS]:
        if isinstance(node, nodes.TemplateData):
            self.before = (self.before + node.data)[-_LONGEST:]
            for found in _SHEET.finditer(node.data):
                self.in_sheet = not found[1]
        elif isinstance(node, nodes.Output):
            for part in node.nodes:
                if isinstance(part, nodes.TemplateData):
                    yield from self.visit(part)
                    continue
                if self.in_sheet or _ATTRIBUTE.search(self.before):
                    yield ValueInCSS(frozenset(self._names(part)), part.lineno)
                self.before += "x"
        else:
            if isinstance(node, nodes.For):
                self._assign(node.target, self._names(node.iter))
            elif isinstance(node, nodes.Assign):
                self._assign(node.target, self._names(node.node))
            for child in node.iter_child_nodes():
                yield from self.visit(child)

    def _names(self, expression: nodes.Node) -> set[str]:
        return {name for each in _printed(expression) for name in self.sources.get(each, {each})}

    def _assign(self, target: nodes.Node, names: set[str]) -> None:
        targets = [target] if isinstance(target, nodes.Name) else target.find_all(nodes.Name)
        self.sources |= {each.name: names for each in targets}


def _printed(expression: nodes.Node) -> Iterator[str]:
    """Yield the names whose values an expression may print; a test and a key print nothing."""
    if isinstance(expression, nodes.CondExpr):
        for each in filter(None, (expression.expr1, expression.expr2)):
            yield from _printed(each)
    elif isinstance(expression, nodes.Getitem):  # a key chooses, but is not printed
        yield from _printed(expression.node) if not isinstance(expression.node, nodes.Dict) else ()
    elif (
        isinstance(expression, nodes.Filter)
        and expression.name in ("int", "float", "round", "length", "count")
    ) or isinstance(expression, (nodes.Compare, nodes.Test, nodes.Not)):
        return
    elif isinstance(expression, nodes.Name):
        yield expression.name
    else:
        for child in expression.iter_child_nodes():
            if isinstance(child, nodes.Expr):
                yield from _printed(child)


def values_in_css(tree: nodes.Template) -> list[ValueInCSS]:
    """Return the values that a template prints into CSS.

    >>> from jinja2 import Environment
    >>> values_in_css(Environment().parse('<p style="color: {{ brand.color }}">'))
    [ValueInCSS(names=frozenset({'brand'}), line=1)]
    """
    return list(_Walk().visit(tree))
