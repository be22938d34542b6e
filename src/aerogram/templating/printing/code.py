"""A code generator for Jinja that checks values before they become text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import GETTEXT_FUNCTIONS
from jinja2.nodes import EvalContext
from jinja2.runtime import Context

from aerogram.templating.blocks import top_blocks
from aerogram.templating.error_texts import near_hint
from aerogram.templating.printing.filters import check_of
from aerogram.templating.printing.values import check_html

__all__ = ["PrintingCode", "PrintingEnvironment"]

_IMPORTS = (
    "from aerogram.templating.printing.filters import checked_operands",
    "from aerogram.templating.printing.values import PLAIN, check_html, check_text",
)
_TEXT_FILTERS = frozenset({
    "_markdown_value", "capitalize", "center", "e", "escape", "forceescape", "format", "indent", "lower",
    "markdown", "replace", "safe", "string", "striptags", "title", "trim", "truncate", "upper", "urlize",
    "wordcount", "wordwrap",
})  # fmt: skip
_TEXT_ARGUMENTS = {"format": None, "replace": 2}  # how many arguments of a filter become text; None: all
_NO_SUCH = re.compile(r"No (filter|test) named '(.+)'\.")


class PrintingCode(CodeGenerator):
    """Jinja's code generator, whose code checks values before they become text.

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
        for line in _IMPORTS:
            self.writeline(line)
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
        self.write(f") in PLAIN else {check_of(frame.eval_ctx).__name__}(_v, {source_of(node)!r})")

    def visit(self, node: nodes.Node, *arguments: Any, **options: Any) -> Any:
        """Write a node, and if it becomes text, the check around it."""
        self._note_texts(node)
        if id(node) in self._operands:
            del self._operands[id(node)]
            self.write(f"checked_operands({check_of(arguments[0].eval_ctx).__name__}, ")
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
    """Jinja's environment, whose code and ``map`` filters check values before they become text."""

    code_generator_class = PrintingCode

    def _generate(self, *arguments: Any, **options: Any) -> str:
        try:
            return super()._generate(*arguments, **options)
        except jinja2.TemplateSyntaxError as error:
            missing = _NO_SUCH.fullmatch(error.message or "")
            known = self.tests if missing and missing[1] == "test" else self.filters
            if missing:
                error.args = (f"{error.message}{near_hint(missing[2], known)}",)
            raise

    def call_filter(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: EvalContext | None = None,
    ) -> Any:
        """Apply a filter, and check the values that it turns into text."""
        if name in _TEXT_FILTERS:
            check = check_of(eval_ctx or (context.eval_ctx if context else EvalContext(self)))
            for text in (value, *(args or ())[: _TEXT_ARGUMENTS.get(name, 0)]):
                check(text, "item")
        return super().call_filter(name, value, args, kwargs, context, eval_ctx)


def _texts_in(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression that it turns into text."""
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
        if formats or (isinstance(function, nodes.Name) and function.name in GETTEXT_FUNCTIONS):
            yield from [*(node.args if formats else ()), *[keyword.value for keyword in node.kwargs]]


def _operands_in(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the parts of an expression with several values that it turns into text."""
    if isinstance(node, nodes.Mod):
        if not isinstance(node.right, nodes.Dict | nodes.Tuple | nodes.Const):
            yield node.right
    elif isinstance(node, nodes.Filter) and node.name == "format":
        yield from filter(None, (node.dyn_args, node.dyn_kwargs))
    elif isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr):
        if node.node.attr == "format":
            yield from filter(None, (node.dyn_args, node.dyn_kwargs))
        elif node.node.attr == "format_map":
            yield from node.args
    elif (
        isinstance(node, nodes.Call)
        and isinstance(node.node, nodes.Name)
        and node.node.name in GETTEXT_FUNCTIONS
    ):
        yield from filter(None, (node.dyn_kwargs,))


def source_of(node: nodes.Node | None) -> str:
    """Return an expression as source code, abbreviated with ``…``."""
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
