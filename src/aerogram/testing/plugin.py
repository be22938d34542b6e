"""The pytest plugin, which pytest loads by itself: fixtures and options of the test kit.

Pytest loads it at every start, so it imports what it needs when a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aerogram.mail.message.email_message import EmailMessage
    from aerogram.testing.snapshot import MailSnapshot


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the test kit."""
    group = parser.getgroup("aerogram", "mail (aerogram)")
    group.addoption(
        "--mail-snapshot-update",
        action="store_true",
        help="write the snapshots of the fixture mail_snapshot instead of comparing with them",
    )
    group.addoption(
        "--aerogram-samples",
        action="store_true",
        help="add a test for each sample of each notification of NOTIFICATION_MODULES, in each locale",
    )
    parser.addini(
        "aerogram_locales",
        "the locales of --aerogram-samples; by default LOCALE and those of the catalogues in LOCALE_DIRS",
        type="args",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Offer the fixture mailoutbox, unless pytest-django does."""
    if not config.pluginmanager.hasplugin("django"):
        config.pluginmanager.register(MailOutbox(), "aerogram-mailoutbox")


@pytest.hookimpl(tryfirst=True)  # before -k and -m select
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Add the tests of the samples."""
    if session.config.getoption("aerogram_samples"):
        from aerogram.testing.samples import sample_tests

        items += sample_tests(session)


@pytest.fixture
def aerogram_outbox() -> Iterator[list[EmailMessage]]:
    """The mail that the test sends, by whichever mailer, thread or task. None of it leaves."""
    from aerogram.mail.capture import capture_mail

    with capture_mail() as messages:
        yield messages


class MailOutbox:
    """The plugin whose fixture has the name of pytest-django's."""

    @pytest.fixture
    def mailoutbox(self, aerogram_outbox: list[EmailMessage]) -> list[EmailMessage]:
        """The mail that the test sends, by whichever mailer, thread or task. None of it leaves."""
        return aerogram_outbox


@pytest.fixture
def mail_snapshot(request: pytest.FixtureRequest) -> MailSnapshot:
    """Compare messages and notifications with files beside the test: ``mail_snapshot(message)``."""
    from aerogram.testing.snapshot import MailSnapshot

    return MailSnapshot.of_test(request.node, update=request.config.getoption("mail_snapshot_update"))
