"""Read a template without rendering it: syntax errors, the templates it loads, the variables it uses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import jinja2
from jinja2 import meta, nodes

from aerogram.templating.blocks import outside_blocks, top_blocks, unknown_block
from aerogram.templating.i18n.localization import template_locale
from aerogram.templating.inspection.css_values import ValueInCSS, values_in_css
from aerogram.templating.loaders import template_names

if TYPE_CHECKING:
    from aerogram.templating.environment import Templates

_MOST_PARSED = 512  # templates of an environment


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a template uses, or a reason why it cannot work.

    ``kind`` is ``"variable"`` (``subject`` is its name), ``"missing"`` (a template's name), ``"broken"``
    (what the parser says), ``"dynamic"`` (an include whose name only the data decides), ``"macro"`` (a macro
    printed without a call), ``"block"`` (a text about a block that no parent has) or ``"outside"`` (what a
    template that extends another prints outside of blocks). ``template`` is the logical name of the template
    it stands in, ``path`` its file where it has one, ``line`` counts from 1.
    """

    kind: str
    subject: str
    template: str
    path: str | None
    line: int


@dataclass(frozen=True, eq=False)
class TemplateSource:
    """A template that was read: its name, its file where it has one, its text, and its tree.

    What is found in the tree is found once, as most notifications share a layout.
    """

    name: str
    path: str | None
    text: str
    tree: nodes.Template

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that it reads, whoever sets them."""
        return frozenset(node.name for node in self.tree.find_all(nodes.Name) if node.ctx == "load")

    @cached_property
    def values_in_css(self) -> list[ValueInCSS]:
        """What it prints inside of ``<style>`` and style attributes."""
        return values_in_css(self.tree)

    @cached_property
    def comments(self) -> list[tuple[int, str]]:
        """The line and the text of each comment."""
        assert self.tree.environment is not None  # noqa: S101 - the parser has set it
        found = self.tree.environment.lex(self.text) if "#" in self.text or "--" in self.text else ()
        return [(line, text) for line, kind, text in found if kind in ("comment", "linecomment")]

    @cached_property
    def assigned(self) -> set[str]:
        """The names that it sets for others."""
        return set(_exported(self.tree.body)) | _looped(self.tree)

    @cached_property
    def pulled_in(self) -> list[tuple[str | None, int]]:
        """The name (None where only the data decides it) and line of each template pulled in."""
        return list(_pulled_in(self.tree))

    @cached_property
    def variables(self) -> list[Finding]:
        """The variables that it asks for, as findings."""
        assert self.tree.environment is not None  # noqa: S101 - the parser has set it
        known = self.tree.environment.globals.keys() | _optional(self.tree)
        asked = meta.find_undeclared_variables(self.tree) - known
        return [
            Finding("variable", node.name, self.name, self.path, node.lineno)
            for node in self.tree.find_all(nodes.Name)
            if node.ctx == "load" and node.name in asked
        ]


_parsed: WeakKeyDictionary[jinja2.Environment, dict[tuple[str, str | None, str], TemplateSource]]
_parsed = WeakKeyDictionary()


def _parse(environment: jinja2.Environment, source: str, name: str, path: str | None) -> TemplateSource:
    """Parse a template, once for an environment; raises ``jinja2.TemplateSyntaxError``."""
    known = _parsed.setdefault(environment, {})
    key = name, path, source
    if key not in known:
        tree = environment.parse(source, name)
        # Compiling finds what parsing does not: an unknown filter or test, a block defined twice.
        environment.compile(tree, name)
        if len(known) >= _MOST_PARSED:
            known.clear()
        known[key] = TemplateSource(name, path, source, environment.parse(source, name))
    return known[key]


class Inspection(NamedTuple):
    """What was found in a template and all it extends, includes and imports, and these, itself first."""

    findings: list[Finding]
    sources: list[TemplateSource]


@dataclass
class _Inspection:
    environment: jinja2.Environment
    findings: list[Finding] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    assigned: set[str] = field(default_factory=set)
    sources: dict[str, TemplateSource] = field(default_factory=dict)

    @cached_property
    def _names(self) -> list[str]:
        """The names of all templates, where the loaders can tell."""
        return template_names(self.loader)

    @property
    def loader(self) -> jinja2.BaseLoader:
        assert self.environment.loader is not None  # noqa: S101 - Templates always gives one
        return self.environment.loader

    def load(self, name: str, origin: tuple[str, str | None, int]) -> None:
        """Read ``name`` and all that it pulls in; ``origin`` is the template, path and line that names it."""
        if name in self.seen:
            return
        self.seen.add(name)
        try:
            source, path, _ = self.loader.get_source(self.environment, name)
        except jinja2.TemplateNotFound:
            self.findings.append(Finding("missing", name, *origin))
            return
        self.read(source, name, path)
        for each in self._names:
            if template_locale(each, name):
                self.load(each, origin)

    def read(self, source: str, name: str, path: str | None) -> None:
        try:
            parsed = _parse(self.environment, source, name, path)
        except jinja2.TemplateSyntaxError as error:
            self.findings.append(Finding("broken", error.message or "", name, path, error.lineno))
            return
        self.sources[name] = parsed
        self.assigned |= parsed.assigned
        self.findings += parsed.variables
        for target, line in parsed.pulled_in:
            if target is None:
                self.findings.append(Finding("dynamic", "", name, path, line))
            else:
                self.load(target, (name, path, line))

    def mistakes(self) -> Iterator[Finding]:
        """Yield the printed macros, the blocks that no parent has, and the text outside of blocks."""
        for parsed in self.sources.values():
            name, path, tree = parsed.name, parsed.path, parsed.tree
            for line in outside_blocks(tree.body):
                yield Finding("outside", "", name, path, line)
            macros = self._macros(tree)
            for output in tree.find_all(nodes.Output):
                for node in output.nodes:
                    if isinstance(node, nodes.Name) and node.name in macros:
                        yield Finding("macro", node.name, name, path, node.lineno)
            known = self._parents_blocks(tree)
            for block, line in top_blocks(tree).items() if known is not None else ():
                if known is not None and block not in known:
                    yield Finding("block", unknown_block(block, known), name, path, line)

    def _macros(self, tree: nodes.Template) -> set[str]:
        """Return the names that stand for a macro everywhere in a template."""
        found = {macro.name for macro in tree.find_all(nodes.Macro)}
        for node in tree.find_all(nodes.FromImport):
            other = _constant(node.template)
            if other in self.sources:
                theirs = {macro.name for macro in self.sources[other].tree.find_all(nodes.Macro)}
                pairs = [(name, name) if isinstance(name, str) else name for name in node.names]
                found |= {alias for name, alias in pairs if name in theirs}
        return found - {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}

    def _parents_blocks(self, tree: nodes.Template) -> set[str] | None:
        """Return the blocks of all that a template extends; None if only the data decides what that is."""
        blocks: set[str] = set()
        seen = [tree]
        while (extends := next(seen[-1].find_all(nodes.Extends), None)) is not None:
            parent = self.sources.get(_constant(extends.template) or "")
            if parent is None or parent.tree in seen:
                return None
            blocks |= {block.name for block in parent.tree.find_all(nodes.Block)}
            seen.append(parent.tree)
        return blocks


def _constant(node: nodes.Node) -> str | None:
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else None


def read_template(templates: Templates, name: str, *, html: bool) -> Inspection:
    """Return the variables and mistakes of the template ``name`` and of all it extends, includes and imports.

    Those for a locale, ``welcome.fr.html``, are read with ``welcome.html``.

    Variables that a template sets itself, that are global, or that it tests with ``is defined`` or gives a
    ``default`` are not asked for.
    """
    inspection = _Inspection(templates.html_environment if html else templates.text_environment)
    inspection.load(name, (name, None, 0))
    return _settled(inspection)


def read_line(templates: Templates, source: str) -> Inspection:
    """Return the variables and mistakes of a Jinja string such as a subject; ``template`` is empty."""
    inspection = _Inspection(templates.text_environment)
    inspection.read(source, "", None)
    return _settled(inspection)


def _settled(inspection: _Inspection) -> Inspection:
    """Drop the variables that another template of the chain sets, and duplicates."""
    kept = (
        finding
        for finding in (*inspection.findings, *inspection.mistakes())
        if not (finding.kind == "variable" and finding.subject in inspection.assigned)
    )
    return Inspection(list(dict.fromkeys(kept)), list(inspection.sources.values()))


def _exported(body: Iterable[nodes.Node]) -> Iterator[str]:
    """Yield the names that a template's top level sets, visible in its blocks and parents."""
    for node in body:
        if isinstance(node, (nodes.Assign, nodes.AssignBlock)):
            yield from (target.name for target in node.target.find_all(nodes.Name))
            if isinstance(node.target, nodes.Name):
                yield node.target.name
        elif isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.Import):
            yield node.target
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)
        elif isinstance(node, nodes.If):
            yield from _exported([*node.body, *node.elif_, *node.else_])


def _looped(tree: nodes.Template) -> set[str]:
    """Return the names that are local around an ``include``, and so visible in the included template."""
    local: set[str] = set()
    for scope in tree.find_all((nodes.For, nodes.With, nodes.Macro, nodes.CallBlock, nodes.Block)):
        if next(scope.find_all(nodes.Include), None) is not None:
            local |= {name.name for name in scope.find_all(nodes.Name) if name.ctx in {"store", "param"}}
    return local


def _optional(tree: nodes.Template) -> set[str]:
    """Return the names that a template itself treats as possibly absent."""
    tests = (test.node for test in tree.find_all(nodes.Test) if test.name in {"defined", "undefined"})
    defaults = (used.node for used in tree.find_all(nodes.Filter) if used.name in {"default", "d"})
    return {node.name for node in (*tests, *defaults) if isinstance(node, nodes.Name)}


def _pulled_in(tree: nodes.Template) -> Iterator[tuple[str | None, int]]:
    """Yield the name (None where only the data decides it) and line of each template pulled in."""
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        target = node.template  # type: ignore[attr-defined]  # all four have it, their common base does not
        if isinstance(target, nodes.Const) and isinstance(target.value, str):
            if not getattr(node, "ignore_missing", False):
                yield target.value, node.lineno
        elif isinstance(node, nodes.Include) and isinstance(target, (nodes.List, nodes.Tuple, nodes.Const)):
            continue  # a list of candidates: the first that exists is taken, so none of them has to
        else:
            yield None, node.lineno
