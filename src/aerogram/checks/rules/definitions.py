"""The rules about classes and templates; :mod:`aerogram.checks.notifications` applies them."""

from __future__ import annotations

from aerogram.checks.rules.rule import Rule

__all__ = ["RULES"]

RULES = (
    Rule("import-failed", "error", "The module cannot be imported."),
    Rule("refused", "error", "A class is refused when it is defined."),
    Rule("template-missing", "error", "No loader finds a template."),
    Rule("template-broken", "error", "A template does not parse, or uses an unknown filter or test."),
    Rule("stylesheet-missing", "error", "No loader finds a style sheet."),
    Rule("unknown-variable", "error", "A template uses what is no field and not in context()."),
    Rule("unknown-block", "error", "A template fills a block that no parent has."),
    Rule(
        "outside-blocks",
        "error",
        "Something stands outside of the blocks of a template that extends another.",
    ),
    Rule("unprintable", "error", "A template prints a macro, None, a function or an object without a text."),
    Rule("unchecked-include", "warning", "Only the data decides which template is included."),
    Rule("no-template", "error", "Neither html_template nor text_template is declared."),
    Rule("no-subject", "error", "The subject is empty."),
    Rule("no-recipients", "error", "The mail has no recipients."),
    Rule("no-unsubscribe", "error", "Bulk mail without one-click unsubscribing."),
    Rule("no-samples", "warning", "There is nothing to render."),
    Rule("samples-failed", "error", "samples() raises an error or returns no dict of notifications."),
    Rule("sample-failed", "error", "A sample raises an error."),
    Rule("header-invalid", "error", "A header of a sample cannot be written."),
    Rule("address-invalid", "error", "An address of a sample is none."),
    Rule("attachment-invalid", "error", "An attachment of a sample cannot be written."),
    Rule("attachment-missing", "error", "The file of an attachment does not exist."),
    Rule("subject-literal", "error", "An annotated subject holds Jinja, which is not rendered."),
    Rule("jinja-literal", "error", "A declaration holds Jinja, which is not rendered."),
    Rule("nearly-declaration", "warning", "An attribute looks like a declaration and is none."),
    Rule("no-staff", "warning", "Mail to the staff while there is none."),
    Rule("unused-field", "warning", "Nothing uses a field."),
    Rule("value-in-css", "warning", "A value of the data goes into <style> or a style attribute."),
    Rule("spam", "info", "A rule of SpamAssassin that a sample meets, with --spam."),
    Rule("unknown-rule", "warning", "A comment or setting names a rule that does not exist."),
)
