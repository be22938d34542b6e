"""What a template may print: text, numbers and what has a text form of its own, but no ``repr``."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, Sequence, ValuesView
from types import ModuleType
from typing import Any

import jinja2
from jinja2 import nodes, pass_eval_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_join, do_urlencode, do_xmlattr, make_attrgetter
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro, Undefined
from markupsafe import Markup

from aerogram.exceptions import UnprintableError
from aerogram.templating.blocks import top_blocks

__all__ = ["PLAIN", "PrintingCode", "PrintingEnvironment", "check_html", "check_text", "checked_filters"]

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
        *("string", "striptags", "title", "trim", "truncate", "upper", "urlize", "wordcount", "wordwrap"),
    )
)
_TEXT_ARGUMENTS = {"format": None, "replace": 2}  # how many arguments of a filter become text; None: all
_GETTEXT = frozenset(("_", "gettext", "ngettext", "pgettext", "npgettext"))
_SERIES = (Iterator, KeysView, ValuesView, ItemsView)
_CONTAINERS = (list, tuple, set, frozenset, dict, deque)
_DEFAULT: Any = object.__str__
_LITERALS: Any = (str.__repr__, int.__repr__, float.__repr__, bool.__repr__)
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
    if isinstance(value, _CONTAINERS):
        return any(map(_is_code, [*value, *value.values()] if isinstance(value, dict) else value))
    if kind in PLAIN or callable(value):
        return kind not in PLAIN
    text = repr(value)
    return isinstance(value, _SERIES) or (text.startswith("<") and text.endswith(">")) or " at 0x" in text


def _is_code(item: Any) -> bool:
    """Return whether a list shows an item in another form than the item alone has."""
    if isinstance(item, Undefined):
        str(item)  # raises its error
    has_own_text = type(item).__str__ is not _DEFAULT and type(item).__repr__ not in _LITERALS
    return item is None or has_own_text or _shows_repr(item)


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
    if isinstance(value, _CONTAINERS):
        return (
            f"{shown} holds objects that have no text form in a {type(value).__name__}, or None. Print what "
            f'it holds, in a loop or with {{{{ {name} | join(", ") }}}}.'
        )
    return (
        f"{shown} is an object of type {type(value).__name__}, which has no text form. Print one of its "
        f"attributes, {_names(value, name)}, or give the class a method __str__."
    )


def _names(value: Any, name: str) -> str:
    names = [each for each in dir(value) if not each.startswith("_")]
    return ", ".join(f"{name}.{each}" for each in names[:_MOST_NAMES]) or "of which there are none"


def checked_operands(check: Callable[[Any, str], Any], operands: Any, source: str) -> Any:
    """Check the right side of ``%``: of a tuple each value, and of a dict those that are asked for."""
    if isinstance(operands, tuple):
        for value in operands:
            check(value, "")
        return operands
    if isinstance(operands, dict):
        return _Operands(operands, check)
    return check(operands, source)


class _Operands(dict[Any, Any]):
    def __init__(self, values: dict[Any, Any], check: Callable[[Any, str], Any]) -> None:
        super().__init__(values)
        self._check = check

    def __getitem__(self, key: Any) -> Any:
        return self._check(super().__getitem__(key), str(key))


def _check_of(eval_ctx: EvalContext) -> Callable[[Any, str], Any]:
    return check_html if eval_ctx.autoescape else check_text


@pass_eval_context
def _join(
    eval_ctx: EvalContext, value: Iterable[Any], d: str = "", attribute: str | int | None = None
) -> str:
    """Join what has a text form; ``d`` is the separator."""
    if attribute is not None:
        value = map(make_attrgetter(eval_ctx.environment, attribute), value)
    check = _check_of(eval_ctx)
    items = [item if type(item) in PLAIN or item is None else check(item, "item") for item in value]
    if any(item is None for item in items):
        raise UnprintableError("an item to join is None. Leave such items out: {{ … | select | join(…) }}.")
    joined: str = do_join(eval_ctx, items, check(d, "separator"))
    return joined


@pass_eval_context
def _xmlattr(eval_ctx: EvalContext, d: Mapping[str, Any], autospace: bool = True) -> str:
    """Write attributes whose values have a text form; those that are None are left out."""
    values = {key: value for key, value in d.items() if value is not None}
    for key, value in values.items():
        str(value) if isinstance(value, Undefined) else check_html(value, key)
    return do_xmlattr(eval_ctx, values, autospace)


def _urlencode(value: Any) -> str:
    """Encode what has a text form: a value, or the keys and values of a dict or of pairs."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return do_urlencode(check_text(value, ""))
    pairs = value.items() if isinstance(value, Mapping) else value
    return do_urlencode([(check_text(key, ""), check_text(each, str(key))) for key, each in pairs])


def checked_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what replaces those filters of Jinja that make text of several values."""
    ours = {
        "join": (do_join, _join),
        "xmlattr": (do_xmlattr, _xmlattr),
        "urlencode": (do_urlencode, _urlencode),
    }
    return {name: checked for name, (theirs, checked) in ours.items() if filters.get(name) is theirs}


class PrintingCode(CodeGenerator):
    """Jinja's code generator; its code checks what becomes text before it does.

    A value of a plain type costs no call. What an ``if`` tests is not printed, and not checked.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.optimizer = None  # a constant expression is checked as any other is: when it runs
        self._printed: dict[int, nodes.Node] = {}  # by id; the values keep the ids in use
        self._operands: dict[int, nodes.Node] = {}
        self._tested: dict[int, nodes.Node] = {}

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """Write the names that the code uses, and the blocks that a parent has to have."""
        self.writeline(f"from {__name__} import PLAIN, check_html, check_text, checked_operands")
        self.writeline(f"own_blocks = {top_blocks(node)!r}")
        super().visit_Template(node, frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        if isinstance(node, nodes.Const) and not finalize.src:
            check_html(node.value, "")  # raised again when the template runs
        elif not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        super()._output_child_pre(node, frame, finalize._replace(src=None))
        self.write(f"_v if type(_v := {finalize.src or '('}")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")
        self._write_check(node, frame)
        super()._output_child_post(node, frame, finalize._replace(src=None))

    def _write_check(self, node: nodes.Node, frame: Frame) -> None:
        self.write(f") in PLAIN else {_check_of(frame.eval_ctx).__name__}(_v, {source_of(node)!r})")

    def visit(self, node: nodes.Node, *arguments: Any, **options: Any) -> Any:
        """Write a node, and if it becomes text, the check around it."""
        self._note_texts(node)
        if id(node) in self._operands:
            del self._operands[id(node)]
            self.write(f"checked_operands({_check_of(arguments[0].eval_ctx).__name__}, ")
            super().visit(node, *arguments, **options)
            return self.write(f", {source_of(node)!r})")
        if id(node) not in self._printed:
            return super().visit(node, *arguments, **options)
        del self._printed[id(node)]
        self.write("(_v if type(_v := ")
        super().visit(node, *arguments, **options)
        self._write_check(node, arguments[0])
        return self.write(")")

    def visit_Filter(self, node: nodes.Filter, frame: Frame, **options: Any) -> None:
        """Write a filter, which a block may have without an expression around it."""
        self._note_texts(node)
        super().visit_Filter(node, frame, **options)

    def _note_texts(self, node: nodes.Node) -> None:
        if id(node) not in self._tested:
            for noted, parts in ((self._printed, _texts_in(node)), (self._operands, _operands_in(node))):
                noted.update((id(part), part) for part in parts)

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


class PrintingEnvironment(jinja2.Environment):
    """Jinja's environment; its code, and the filters that ``map`` applies, check what becomes text."""

    code_generator_class = PrintingCode

    def call_filter(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: EvalContext | None = None,
    ) -> Any:
        """Apply a filter; what it makes text of is checked."""
        if name in _TEXT_FILTERS:
            check = _check_of(eval_ctx or (context.eval_ctx if context else EvalContext(self)))
            for text in (value, *(args or ())[: _TEXT_ARGUMENTS.get(name, 0)]):
                check(text, "item")
        return super().call_filter(name, value, args, kwargs, context, eval_ctx)


def _texts_in(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression that it makes text of."""
    if isinstance(node, nodes.Concat):
        yield from node.nodes
    elif isinstance(node, nodes.Filter) and node.name in _TEXT_FILTERS:
        yield from [node.node] if node.node is not None else []
        if node.name in _TEXT_ARGUMENTS:
            yield from node.args[: _TEXT_ARGUMENTS[node.name]]
            yield from [keyword.value for keyword in node.kwargs if keyword.key != "count"]
    elif isinstance(node, nodes.Mod):
        right = node.right
        if isinstance(right, nodes.Dict):
            yield from [pair.value for pair in right.items]
        elif isinstance(right, nodes.Tuple | nodes.Const):
            yield from right.items if isinstance(right, nodes.Tuple) else [right]
    elif isinstance(node, nodes.Call):
        function = node.node
        formats = isinstance(function, nodes.Getattr) and function.attr == "format"
        if formats or (isinstance(function, nodes.Name) and function.name in _GETTEXT):
            yield from [*(node.args if formats else ()), *[keyword.value for keyword in node.kwargs]]


def _operands_in(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression that hold several values which it makes text of."""
    if isinstance(node, nodes.Mod):
        if not isinstance(node.right, nodes.Dict | nodes.Tuple | nodes.Const):
            yield node.right
    elif isinstance(node, nodes.Filter) and node.name == "format":
        yield from [node.dyn_args] if node.dyn_args else []
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        if node.node.attr == "format":
            yield from [node.dyn_args] if node.dyn_args else []
        elif node.node.attr == "format_map":
            yield from node.args


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
