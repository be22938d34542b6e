"""What a template may print: text, numbers and what has a text form of its own, but no ``repr``."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from types import ModuleType
from typing import Any

from jinja2 import nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_join, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.runtime import Macro, Undefined
from markupsafe import Markup

from aerogram.exceptions import UnprintableError
from aerogram.templating.blocks import top_blocks

__all__ = ["PLAIN", "PrintingCode", "check_html", "check_text", "join"]

PLAIN = frozenset((str, Markup, int, float, bool))
"""Types that are printed without a look at the value."""

_TEXT_FILTERS = frozenset(
    (
        *("_markdown_value", "markdown"),
        *(
            "capitalize",
            "center",
            "e",
            "escape",
            "forceescape",
            "format",
            "indent",
            "lower",
            "replace",
            "safe",
        ),
        *("string", "striptags", "title", "trim", "truncate", "upper", "urlencode", "urlize", "wordcount"),
        "wordwrap",
    )
)
_GETTEXT = frozenset(("_", "gettext", "ngettext", "pgettext", "npgettext"))
_SERIES = (Iterator, KeysView, ValuesView, ItemsView)
_DEFAULT: Any = object.__str__
_MOST_NAMES = 20  # listed in an error text


def check_html(value: Any, source: str) -> Any:
    """Return a value that an HTML part prints; ``source`` is its expression.

    Raises:
        UnprintableError: it is None, a function or something else whose text would be a ``repr``.
    """
    return value if hasattr(type(value), "__html__") else check_text(value, source)


def check_text(value: Any, source: str) -> Any:
    """Do the same for a text part, where markup is no text."""
    if value is None or _shows_repr(value):
        raise UnprintableError(_problem(value, source))
    return value


def _shows_repr(value: Any) -> bool:
    if isinstance(value, Undefined | bytes | bytearray | memoryview):
        return not isinstance(value, Undefined)  # which raises an error of its own
    kind = type(value)
    if kind.__str__ is not _DEFAULT:
        return False
    if kind in (list, tuple, set, frozenset, dict):
        return any(map(_shows_repr, value.values() if kind is dict else value))
    if kind in PLAIN or callable(value):
        return kind not in PLAIN
    text = repr(value)
    return isinstance(value, _SERIES) or (text.startswith("<") and text.endswith(">"))


def _problem(value: Any, source: str) -> str:
    shown = f"{{{{ {source} }}}}" if source else "a value"
    name = source or "x"
    if value is None:
        return (
            f"{shown} is None, and the mail would say 'None'. Write {{{{ {name} or \"\" }}}} or "
            f'{{{{ {name} | default("-", true) }}}}, or put it into {{% if {name} %}}.'
        )
    if isinstance(value, Macro):
        return (
            f"{shown} is the macro {value.name!r} itself. Call it: {name}(…). If a variable of that name is "
            f"meant, import the macro under another one: "
            f"{{% from … import {value.name} as {value.name}_macro %}}."
        )
    if isinstance(value, type | ModuleType):
        kind = "module" if isinstance(value, ModuleType) else "class"
        return f"{shown} is the {kind} {value.__name__}. Print something of it: {_names(value, name)}."
    if callable(value):
        owner, called = getattr(value, "__self__", None), name.rpartition(".")[2]
        key = f" For the key write {name.rpartition('.')[0]}[{called!r}]."
        hint = key if isinstance(owner, Mapping) and called in owner else ""
        return f"{shown} is a {'function' if owner is None else 'method'}. Call it: {name}().{hint}"
    if isinstance(value, bytes | bytearray | memoryview):
        return f"{shown} is {type(value).__name__}, not text. Decode it: {name}.decode()."
    if isinstance(value, _SERIES):
        return f'{shown} is a {type(value).__name__}. Write {{{{ {name} | join(", ") }}}}, or a loop.'
    if isinstance(value, list | tuple | set | frozenset | dict):
        return f"{shown} holds objects that have no text form. Print what they hold, in a loop."
    return (
        f"{shown} is an object of type {type(value).__name__}, which has no text form. Print one of its "
        f"attributes, {_names(value, name)}, or give the class a method __str__."
    )


def _names(value: Any, name: str) -> str:
    names = [each for each in dir(value) if not each.startswith("_")]
    return ", ".join(f"{name}.{each}" for each in names[:_MOST_NAMES]) or "of which there are none"


@pass_eval_context
def join(eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    """Join what has a text form, as the filter of Jinja does; ``d`` is its name for the separator.

    Args:
        eval_ctx: whether to escape.
        value: the items.
        d: what stands between them.
        attribute: the attribute of each item that is meant.

    Raises:
        UnprintableError: an item has no text form.
    """
    if attribute is not None:
        value = map(make_attrgetter(eval_ctx.environment, attribute), value)
    check = check_html if eval_ctx.autoescape else check_text
    items = [item if type(item) in PLAIN or item is None else check(item, "item") for item in value]
    if any(item is None for item in items):
        raise UnprintableError("an item to join is None. Leave such items out: {{ … | select | join(…) }}.")
    joined: str = do_join(eval_ctx, items, d)
    return joined


class PrintingCode(CodeGenerator):
    """Jinja's code generator; its code checks what becomes text before it does.

    A value of a plain type costs no call. What an ``if`` tests is not printed, and not checked.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._printed: dict[int, nodes.Node] = {}  # by id; the values keep the ids in use
        self._tested: dict[int, nodes.Node] = {}

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """Write the names that the code uses, and the blocks that a parent has to have."""
        self.writeline(f"from {__name__} import PLAIN, check_html, check_text")
        self.writeline(f"own_blocks = {top_blocks(node)!r}")
        super().visit_Template(node, frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if not isinstance(node, nodes.TemplateData):
            check_html(node.as_const(frame.eval_ctx), "")  # raised again when the template runs
        return super()._output_child_to_const(node, frame, finalize)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        super()._output_child_pre(node, frame, finalize)
        self.write("_v if type(_v := ")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self._write_check(node, frame)
        super()._output_child_post(node, frame, finalize)

    def _write_check(self, node: nodes.Node, frame: Frame) -> None:
        check = "check_html" if frame.eval_ctx.autoescape else "check_text"
        self.write(f") in PLAIN else {check}(_v, {source_of(node)!r})")

    def visit(self, node: nodes.Node, *arguments: Any, **options: Any) -> Any:
        """Write a node, and if it becomes text, the check around it."""
        if id(node) not in self._tested:
            for part in _texts_in(node):
                self._printed[id(part)] = part
        if id(node) not in self._printed:
            return super().visit(node, *arguments, **options)
        del self._printed[id(node)]
        self.write("(_v if type(_v := ")
        super().visit(node, *arguments, **options)
        self._write_check(node, arguments[0])
        return self.write(")")

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        """Write an ``if``, whose tests print nothing."""
        self._is_test(*[each.test for each in (node, *node.elif_)])
        super().visit_If(node, frame)

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        """Write an inline ``if``, whose test prints nothing."""
        self._is_test(node.test)
        super().visit_CondExpr(node, frame)

    def _is_test(self, *tests: nodes.Node) -> None:
        for test in tests:
            for node in (test, *test.find_all(nodes.Expr)):
                self._tested[id(node)] = node


def _texts_in(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression that it makes text of."""
    if isinstance(node, nodes.Concat):
        yield from node.nodes
    elif isinstance(node, nodes.Filter) and node.name in _TEXT_FILTERS:
        yield from [node.node] if node.node is not None else []
        if node.name in ("format", "replace"):
            yield from node.args if node.name == "format" else node.args[:2]
            yield from [keyword.value for keyword in node.kwargs if keyword.key != "count"]
    elif isinstance(node, nodes.Mod) and isinstance(node.left, nodes.Const | nodes.TemplateData | nodes.Call):
        right = node.right
        if isinstance(right, nodes.Dict):
            yield from [pair.value for pair in right.items]
        else:
            yield from right.items if isinstance(right, nodes.Tuple) else [right]
    elif isinstance(node, nodes.Call):
        function = node.node
        formats = isinstance(function, nodes.Getattr) and function.attr == "format"
        if formats or (isinstance(function, nodes.Name) and function.name in _GETTEXT):
            yield from [*(node.args if formats else ()), *[keyword.value for keyword in node.kwargs]]


def source_of(node: nodes.Node | None) -> str:
    """Return an expression as a person would write it, with ``…`` for what does not matter."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{source_of(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem):
        return f"{source_of(node.node)}[{source_of(node.arg)}]"
    if isinstance(node, nodes.Const):
        return "none" if node.value is None else repr(node.value)
    if isinstance(node, nodes.Call):
        return f"{source_of(node.node)}({'…' if node.args or node.kwargs else ''})"
    if isinstance(node, nodes.Filter):
        arguments = "(…)" if node.args or node.kwargs else ""
        return f"{source_of(node.node)} | {node.name}{arguments}"
    return "…"
