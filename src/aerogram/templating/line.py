"""A Jinja string of one line, such as a subject, without the machinery of a template where it needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment

__all__ = ["PlainLine"]

_OF_TEMPLATES = frozenset(("self", "super", "caller", "loop", "varargs", "kwargs"))


class PlainLine:
    """A Jinja string of words and variables, their attributes included, and nothing else.

    Args:
        environment: what the string is written for; it must not escape.
        parts: the words, and the path to each variable: its name and the attributes.
    """

    def __init__(self, environment: Environment, parts: tuple[str | tuple[str, ...], ...]) -> None:
        self._environment = environment
        self._parts = parts

    @classmethod
    def of(cls, environment: Environment, source: str) -> PlainLine | None:
        """Return the line of a Jinja string, or ``None`` where only a template can render it.

        Raises:
            jinja2.TemplateSyntaxError: it does not parse.
        """
        parts = tuple(_parts(environment.parse(source)))
        return None if None in parts else cls(environment, parts)  # type: ignore[arg-type]  # just looked

    def render(self, variables: Mapping[str, object]) -> str | None:
        """Return the line, or ``None`` where a template has to say what is wrong, and where."""
        texts = []
        try:
            for part in self._parts:
                if isinstance(part, str):
                    texts.append(part)
                    continue
                name = part[0]
                value = variables[name] if name in variables else self._environment.globals[name]
                for attribute in part[1:]:
                    value = self._environment.getattr(value, attribute)
                texts.append(str(value))
        except Exception:  # the application's own errors too: they get a note of the place
            return None
        return "".join(texts)


def _parts(tree: nodes.Template) -> Iterator[str | tuple[str, ...] | None]:
    """Yield the parts of a line; ``None`` for what is more than a variable."""
    for output in tree.body:
        if not isinstance(output, nodes.Output):
            yield None
            continue
        for node in output.nodes:
            yield node.data if isinstance(node, nodes.TemplateData) else _path(node)


def _path(node: nodes.Expr) -> tuple[str, ...] | None:
    attributes: list[str] = []
    while isinstance(node, nodes.Getattr):
        attributes.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name) or node.name in _OF_TEMPLATES:
        return None
    return (node.name, *reversed(attributes))
