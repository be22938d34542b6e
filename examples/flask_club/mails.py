"""The mails of the club."""

from __future__ import annotations

from aerogram import Notification


class SignInLink(Notification):
    """Lets one member in, without a password."""

    subject = "Your link to {{ site_name }}"
    html_template = "mail/sign_in_link.html"
    category = "transactional"

    to: list[str | tuple[str, str]]
    name: str
    token: str
    minutes: int

    @classmethod
    def samples(cls) -> dict[str, SignInLink]:
        token = "ImFubiI.aP3xYw"  # noqa: S105 - of a sample
        return {"a member": cls(to=["ann@example.com"], name="Ann Öberg", token=token, minutes=30)}
