"""The blocks of a template, and those that no parent has."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from jinja2 import nodes

from aerogram.exceptions import UnknownBlockError

if TYPE_CHECKING:
    from jinja2.runtime import Context

__all__ = ["check_blocks", "top_blocks", "unknown_block"]


def check_blocks(context: Context, origin: str) -> None:
    """Raise UnknownBlockError if a template fills a block that the parents it was rendered with do not have.

    Compiled templates have the result of :func:`top_blocks` as ``own_blocks``.
    """
    for name, (*_, last) in context.blocks.items():
        module = last.__globals__
        line = module.get("own_blocks", {}).get(name)
        if line is not None:
            template = module["name"]
            others = (each for each in context.blocks if each != name)
            where = f"{template}, line {line} ({origin})" if template else f"{origin}, line {line}"
            raise UnknownBlockError(f"{where}: {unknown_block(name, others)}", template=template, line=line)


def unknown_block(name: str, known: Iterable[str]) -> str:
    """Return the text of the error."""
    blocks = sorted(known)
    near = difflib.get_close_matches(name, blocks, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f"No template that this one extends has a block {name!r}, so what is in it appears nowhere.{hint} "
        f"There are: {', '.join(blocks) or 'none'}."
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


def _outer_blocks(node: nodes.Node) -> Iterator[nodes.Block]:
    for child in node.iter_child_nodes():
        if isinstance(child, nodes.Block):
            yield child
        else:
            yield from _outer_blocks(child)
