"""The checks of a notification class: read its templates and render its samples, without sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aerogram import registry
from aerogram.checks.declarations import class_mistakes, how_to_use
from aerogram.checks.fields import fields_of, unused_fields, values_in_css
from aerogram.checks.mail import Mail
from aerogram.checks.problem import LEVELS, Problem, Severity, SourceLine
from aerogram.checks.rendering import Rendered, render
from aerogram.checks.report import ERROR_CODES, Report
from aerogram.checks.rules import MAIL_RULES, RULES
from aerogram.checks.rules.css import is_reset, selector_pattern, unused_rules
from aerogram.checks.spam import find_spamassassin, spam_findings
from aerogram.checks.switches import Switches, unknown_rule
from aerogram.exceptions import DeclarationError, MissingDependency, RenderError, TemplateNotFound, describe
from aerogram.mail.wire.serializer import to_bytes
from aerogram.notification import (
    AdminNotification,
    ManagerNotification,
    Notification,
    renderer_of,
)
from aerogram.samples import samples_of
from aerogram.templating.error_texts import near_hint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from aerogram.templating import Finding


def check(
    notifications: Iterable[type[Notification]] | None = None,
    *,
    sample: str | None = None,
    samples: Mapping[str, Notification] | None = None,
    rendered: Mapping[str, Rendered] | None = None,
    level: Severity = "warning",
    spam: bool = False,
) -> list[Problem]:
    """Return every problem of every notification, in the order of their names, without sending anything.

    The check includes all templates that are extended, included or imported. Every sample is rendered and
    serialised to the bytes that would be sent.

    Args:
        notifications: the classes to check; if not given, those of ``NOTIFICATION_MODULES`` and all others
            that are defined.
        sample: the name of the only sample to render.
        samples: instances by name, to render instead of the ``samples()`` of a single notification.
        rendered: the messages of these samples, if they have been rendered already.
        level: the lowest severity to return.
        spam: whether to check each sample with SpamAssassin, too.

    Raises:
        ImproperlyConfigured: ``CHECKS_IGNORE`` or ``CHECKS_LEVELS`` names an unknown rule, ``CHECKS_CLIENTS``
            an unknown mail program, or ``spam`` is true and SpamAssassin is not installed.
    """
    if notifications is None:
        notifications = registry.load()
    together = list(notifications)
    switches, spamassassin = Switches(), find_spamassassin() if spam else ""
    checks = [_Check(cls, together, switches, spamassassin, rendered or {}) for cls in together]
    found = [problem for each in checks for problem in each.run(sample, samples)]
    found = [each for each in found if each.code != "css-unused" or _is_unused_everywhere(each, checks)]
    return [problem for problem in found if LEVELS.index(problem.severity) >= LEVELS.index(level)]


def _is_unused_everywhere(problem: Problem, checks: Sequence[_Check]) -> bool:
    """Return whether no class that shares a sheet uses a rule, and this class is the first of them."""
    users = [each for each in checks if any(path == problem.file for path, _ in each.sources.files.values())]
    key = SourceLine(problem.file, problem.line), problem.code, problem.message
    return users[0].report.name == problem.notification and all(key in each.report.seen for each in users)


class _Check:
    """The checks of one class, which share its samples and earlier findings."""

    def __init__(
        self,
        cls: type[Notification],
        together: Sequence[type[Notification]],
        switches: Switches,
        spamassassin: str,
        rendered: Mapping[str, Rendered],
    ) -> None:
        self.cls, self.together, self.rendered = cls, together, rendered
        self.spamassassin = spamassassin
        self.templates = renderer_of(cls).templates
        self.report = Report(cls, self.templates, switches)
        self.sources = self.report.sources
        self.fields = {field.name for field in fields_of(cls)}
        self.unused: list[str] | None = None  # selectors that apply to nothing in the samples so far
        # Where templates are known to be wrong: rendering stops at the same places again.
        self.reported: set[tuple[str, int]] = set()
        self.missing: set[str] = set()

    def run(self, only: str | None = None, given: Mapping[str, Notification] | None = None) -> list[Problem]:
        samples = self._samples() if given is None else given
        variables = self._variables(samples)
        self._check_subject(variables)
        self._check_templates(samples, variables)
        self._check_stylesheets()
        self._check_recipients()
        self._check_unsubscribing()
        for mistake in class_mistakes(self.cls, self.together):
            self.report.add(*mistake)
        for value in values_in_css(self.cls, self.sources, variables):
            self.report.add(*value)
        for unused in unused_fields(self.cls, self.sources):
            self.report.add(*unused)
        for code, place in self.sources.comments:
            if code not in RULES:
                self.report.add(place, "unknown-rule", unknown_rule(code))
        for name, sample in samples.items():
            if only in (None, name):
                self.report.sample = name
                self._check_sample(name, sample)
        if only is None and given is None:
            self._check_unused_css()
        return self.report.problems

    def _check_unused_css(self) -> None:
        """Report the rules of the application's sheets that match nothing in any sample."""
        self.report.sample = ""
        for selector in self.unused or ():
            place = self.sources.find(selector_pattern(selector))
            if place is not None and not self.sources.is_shipped(place.file):
                text = f"The rule {selector!r} matches no element in any sample. Correct or remove it."
                self.report.add(place, "css-unused", text, "info" if is_reset(selector) else None)

    def _samples(self) -> Mapping[str, Notification]:
        try:
            samples = samples_of(self.cls)
        except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is a finding
            raised = "" if isinstance(error, DeclarationError) else "samples() raised "
            self.report.add("samples", "samples-failed", raised + describe(error))
            return {}
        if not samples:
            self.report.add(
                None,
                "no-samples",
                "There are no samples, so nothing that depends on data is checked, and there is no preview. "
                'Return some: @classmethod def samples(cls): return {"typical": cls(…)}.',
            )
        return samples

    def _variables(self, samples: Mapping[str, Notification]) -> set[str] | None:
        """Return the names that templates may use; None if that needs samples and there are none."""
        always = self.fields | {"unsubscribe_url"}
        if self.cls.context is Notification.context:
            return always
        if self.rendered:  # what a context() of one's own computes, it computes once
            return None
        contexts = [_attempt(sample.context) for sample in samples.values()]
        contexts = [context for context in contexts if context is not None]
        return always.union(*contexts) if contexts else None

    def _is_static(self, declaration: str) -> bool:
        """Return whether a declaration is a plain class attribute: neither computed nor an argument."""
        value = getattr(self.cls, declaration)
        return declaration not in self.fields and not isinstance(value, property)

    def _check_subject(self, variables: set[str] | None) -> None:
        if not self._is_static("subject"):
            return
        subject = str(self.cls.subject)
        if not subject.strip():
            self.report.add("subject", "no-subject", 'The subject is empty. Declare one: subject = "…".')
        for finding in self.sources.read_line(subject).findings:
            self._report(finding, "subject", variables)

    def _check_templates(self, samples: Mapping[str, Notification], variables: set[str] | None) -> None:
        named = 0
        for declaration in ("html_template", "text_template"):
            names = self._template_names(declaration, samples)
            named += len(names) or not self._is_static(declaration)
            for name in names:
                inspection = self.sources.read(name, html=declaration == "html_template")
                for finding in inspection.findings:
                    if finding.kind != "dynamic" or not samples:
                        self._report(finding, declaration, variables)
        if not named:
            text = "Neither html_template nor text_template is declared. Declare at least one of them."
            self.report.add(None, "no-template", text)

    def _template_names(self, declaration: str, samples: Mapping[str, Notification]) -> list[str]:
        if self._is_static(declaration):
            names = [getattr(self.cls, declaration)]
        else:
            names = [_attempt(getattr, sample, declaration) for sample in samples.values()]
        return sorted({name for name in names if isinstance(name, str) and name})

    def _report(self, finding: Finding, declaration: str, variables: set[str] | None) -> None:
        """Report a mistake in a template, at its line if it has a file, else at the declaration."""
        place = SourceLine(finding.path, finding.line) if finding.path else declaration
        if finding.kind == "variable":
            if variables is None or finding.subject in variables:
                return
            code, message = "unknown-variable", self._unknown_variable(finding.subject, variables)
        elif finding.kind == "missing":
            self.missing.add(finding.subject)
            folders = ", ".join(self.templates.template_dirs) or "no folder, because TEMPLATE_DIRS is empty"
            code = "template-missing"
            near = self.templates.near_file(finding.subject)
            message = f"There is no template {finding.subject!r} ({declaration}).{near} Looked in {folders}."
        elif finding.kind == "broken":
            where = f"The template {finding.template!r}" if finding.template else "The subject"
            code, message = "template-broken", f"{where} does not parse: {finding.subject}"
        elif finding.kind == "block":
            code, message = "unknown-block", finding.subject
        elif finding.kind == "outside":
            code = "outside-blocks"
            message = (
                "This is outside of the blocks of a template that extends another, so it does not appear. "
                "Put it into one of the blocks."
            )
        elif finding.kind == "macro":
            code = "unprintable"
            macro = finding.subject
            message = (
                f"{{{{ {macro} }}}} is a macro. Call it: {macro}(…). If a variable is meant, import it "
                f"under another name: import {macro} as {macro}_macro."
            )
        else:
            code = "unchecked-include"
            message = "The included template depends on data. Add a sample that renders it."
        self.report.add(place, code, message)
        self.reported.add((finding.template, finding.line))

    def _unknown_variable(self, name: str, variables: set[str]) -> str:
        where = f"neither a field of {self.cls.__name__} nor in its context()"
        if hasattr(self.cls, name) and not name.startswith("_"):
            return f"{name!r} is {where}. {how_to_use(self.cls, name)}"
        names = sorted(variables | self.templates.shared_names)
        hint = near_hint(name, names) or self.templates.import_hint(name)
        return f"{name!r} is {where}.{hint} Available: {', '.join(names) or 'none'}."

    def _check_stylesheets(self) -> None:
        if not self._is_static("css"):
            return
        css: Any = self.cls.css
        for name in filter(None, [css] if isinstance(css, str) else css):
            try:
                self.sources.read_sheet(name, f"{self.cls.__name__}.css")
            except TemplateNotFound as error:
                self.missing.add(name)
                self.report.add("css", "stylesheet-missing", str(error))

    def _check_recipients(self) -> None:
        if all(self._is_static(name) and not getattr(self.cls, name) for name in ("to", "cc", "bcc")):
            self.report.add(
                None,
                "no-recipients",
                'The mail has no recipients. Declare to = ["ops@example.com"], a property that returns '
                "a list, or a field: to: list[str].",
            )

    def _check_unsubscribing(self) -> None:
        """Report bulk mail without one-click unsubscribe; computed declarations are left to the samples."""
        declared: Any = self.cls  # to a type checker, declarations are properties
        if not all(map(self._is_static, ("category", "unsubscribe_url", "headers"))):
            return
        if not declared.unsubscribe_url and _lacks_unsubscribing(declared.category, declared.headers):
            self._report_no_unsubscribing("The mail")

    def _check_sample(self, name: str, sample: Notification) -> None:
        try:
            message, page, css = self.rendered.get(name) or render(sample)
            octets = to_bytes(message) if self.spamassassin or name not in self.rendered else b""
        except Exception as error:  # noqa: BLE001,RUF100 - the application's own code runs here too
            self._report_failure(name, error)
            return
        if not (message.recipients() or isinstance(sample, AdminNotification | ManagerNotification)):
            text = f"The sample {name!r} has no recipients: to, cc and bcc are all empty."
            self.report.add_once("to", "no-recipients", text)
        category = None if "category" in self.fields else sample.category
        if _lacks_unsubscribing(category, message.extra_headers):
            self._report_no_unsubscribing(f"The sample {name!r}")
        mail = Mail(
            message,
            page=page,
            css=css,
            category=category,
            unsubscribe_url=sample.unsubscribe_url,
            has_own_text=bool(sample.text_template),
            is_staff_mail=isinstance(sample, AdminNotification | ManagerNotification),
            written=self.sources.texts,
            own=self.sources.own,
            uses_layout=self.sources.uses_layout,
        )
        unused = unused_rules(mail)
        self.unused = unused if self.unused is None else [one for one in self.unused if one in unused]
        found = [finding for rule in MAIL_RULES for finding in rule(mail)]
        if self.spamassassin:
            found += spam_findings(self.spamassassin, octets)
        for code, text, at, declaration, level in found:
            self.report.add(self.sources.find(at) or declaration, code, text, level)

    def _report_failure(self, name: str, error: Exception) -> None:
        template = getattr(error, "template", None) or ""
        line = getattr(error, "line", None) or 0
        if isinstance(error, TemplateNotFound) and template in self.missing:
            return
        if isinstance(error, RenderError | MissingDependency) and (template, line) in self.reported:
            return
        code = next((code for kind, code in ERROR_CODES.items() if isinstance(error, kind)), "sample-failed")
        path = self.sources.path(template) if template else ""
        message = f"The sample {name!r} cannot be rendered: {describe(error)}"
        self.report.add(SourceLine(path, line) if path else "samples", code, message)
        if template:
            self.reported.add((template, line))

    def _report_no_unsubscribing(self, what: str) -> None:
        self.report.add_once(
            "category",
            "no-unsubscribe",
            f"{what} is bulk mail without one-click unsubscribe, which large receivers require (RFC 8058). "
            'Declare unsubscribe_url, an https URL, or category = "transactional".',
        )


def _lacks_unsubscribing(category: str | None, headers: Mapping[str, Any]) -> bool:
    return category == "bulk" and "list-unsubscribe-post" not in map(str.lower, headers)


def _attempt(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call application code and return its result; None if it fails, as rendering a sample reports that."""
    try:
        return function(*arguments)
    except Exception:  # noqa: BLE001,RUF100 - see above
        return None
