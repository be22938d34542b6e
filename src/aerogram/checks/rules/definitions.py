"""The rules about classes and templates; :mod:`aerogram.checks.notifications` applies them."""

from __future__ import annotations

from aerogram.checks.rules.rule import Rule

__all__ = ["RULES"]

RULES = (
    Rule("import-failed", "error", "The module cannot be imported."),
    Rule("refused", "error", "The definition of a class raises an error."),
    Rule("template-missing", "error", "No loader finds a template."),
    Rule("template-broken", "error", "A template does not parse, or uses an unknown filter or test."),
    Rule("stylesheet-missing", "error", "No loader finds a style sheet."),
    Rule("unknown-variable", "error", "A template uses an undefined variable or attribute."),
    Rule("unknown-block", "error", "A template fills a block that no parent template has."),
    Rule(
        "outside-blocks",
        "error",
        "A template that extends another has content outside of its blocks.",
    ),
    Rule(
        "unprintable",
        "error",
        "A template prints a macro, None, a function or an object without a string form.",
    ),
    Rule("unchecked-include", "warning", "The included template depends on data that no sample has."),
    Rule("no-template", "error", "Neither html_template nor text_template is declared."),
    Rule("no-subject", "error", "The subject is empty."),
    Rule("no-recipients", "error", "The mail has no recipients."),
    Rule("no-unsubscribe", "error", "Bulk mail lacks the header for one-click unsubscribe."),
    Rule("no-samples", "warning", "A notification has no samples."),
    Rule("samples-failed", "error", "samples() raises an error or does not return a dict of notifications."),
    Rule("sample-failed", "error", "A sample raises an error."),
    Rule("header-invalid", "error", "A header of a sample cannot be written."),
    Rule("address-invalid", "error", "An address of a sample is invalid."),
    Rule("attachment-invalid", "error", "An attachment of a sample cannot be written."),
    Rule("attachment-missing", "error", "The file of an attachment does not exist."),
    Rule("subject-literal", "error", "An annotated subject contains Jinja, which is not rendered."),
    Rule("jinja-literal", "error", "A declaration contains Jinja, which is not rendered."),
    Rule("nearly-declaration", "warning", "An attribute looks like a misspelt declaration."),
    Rule("no-staff", "warning", "A notification goes to the staff, but ADMINS or MANAGERS is empty."),
    Rule("unused-field", "warning", "Neither a template nor a method uses a field."),
    Rule("value-in-css", "warning", "A template prints a value inside <style> or a style attribute."),
    Rule("spam", "info", "With --spam: a sample matches a rule of SpamAssassin."),
    Rule("unknown-rule", "warning", "A comment or setting names a rule that does not exist."),
)
