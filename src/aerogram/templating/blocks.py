"""The blocks of a template: those that no parent has, and content outside of blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from jinja2 import nodes

from aerogram.exceptions import UnknownBlockError
from aerogram.templating.error_texts import near_hint

if TYPE_CHECKING:
    from jinja2.runtime import Context

__all__ = ["check_blocks", "outside_blocks", "top_blocks", "unknown_block"]


def check_blocks(context: Context) -> None:
    """Raise UnknownBlockError if a template fills a block that the parents it was rendered with do not have.

    Compiled templates have the result of :func:`top_blocks` as ``own_blocks``.
    """
    for name, (*_, last) in context.blocks.items():
        module = last.__globals__
        line = module.get("own_blocks", {}).get(name)
        if line is not None:
            others = (each for each in context.blocks if each != name)
            raise UnknownBlockError(unknown_block(name, others), template=module["name"], line=line)


def unknown_block(name: str, known: Iterable[str]) -> str:
    """Return the text of the error."""
    blocks = sorted(known)
    return (
        f"No template that this one extends has a block {name!r}, so what is in it appears nowhere."
        f"{near_hint(name, blocks)} Available: {', '.join(blocks) or 'none'}."
    )


def top_blocks(tree: nodes.Template) -> dict[str, int]:
    """Return the lines of the blocks that a template must fill in its parent; none if it extends none.

    A block inside another appears with it, and one that is printed as ``self.name()`` appears there.
    """
    if not any(isinstance(node, nodes.Extends) for node in tree.body):
        return {}
    uses = tree.find_all(nodes.Getattr)
    shown = {use.attr for use in uses if isinstance(use.node, nodes.Name) and use.node.name == "self"}
    return {block.name: block.lineno for block in _outer_blocks(tree) if block.name not in shown}


def outside_blocks(body: Iterable[nodes.Node]) -> Iterator[int]:
    """Yield the lines of content after ``extends`` that is in no block, and so not in the page."""
    extends = False
    for node in body:
        if isinstance(node, nodes.Extends):
            extends = True
        elif extends:
            yield from _printed_lines(node)


def _printed_lines(node: nodes.Node) -> Iterator[int]:
    if isinstance(node, nodes.Output):
        for each in node.nodes:
            text = each.data if isinstance(each, nodes.TemplateData) else "x"
            if text.strip():
                yield each.lineno + text[: -len(text.lstrip())].count("\n")
    elif isinstance(node, nodes.Include | nodes.CallBlock):
        yield node.lineno
    elif not isinstance(node, nodes.Block | nodes.Macro | nodes.AssignBlock):
        for child in node.iter_child_nodes():
            yield from _printed_lines(child)


def _outer_blocks(node: nodes.Node) -> Iterator[nodes.Block]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Block):
            yield child
        else:
            yield from _outer_blocks(child)
