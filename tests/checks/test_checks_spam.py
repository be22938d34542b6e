"""``--spam`` shows the rules of SpamAssassin that a sample meets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aerogram import Notification
from aerogram.checks import check
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured


class Spam(Notification, name="checks_spam", abstract=True):
    subject = "BUY CHEAP VIAGRA NOW"
    html_template = "spam.html"
    to = ["ann@shop.example"]

    @classmethod
    def samples(cls) -> dict[str, Notification]:
        return {"one": cls()}


def test_spamassassin_tells_its_rules(tmp_path: Path) -> None:
    if shutil.which("spamassassin") is None:
        if os.environ.get("REQUIRE_PROGRAMS"):
            pytest.fail("spamassassin is not installed")
        pytest.skip("spamassassin is not installed")
    (tmp_path / "spam.html").write_text(
        '<p>Viagra</p><p style="color: #fffffe; background: white">Hidden words</p>'
    )

    class Sent(Spam, name="checks_spam_sent"):
        pass

    with settings.override(TEMPLATE_DIRS=[str(tmp_path)]):
        found = [problem for problem in check([Sent], level="info", spam=True) if problem.code == "spam"]
        assert not [problem for problem in check([Sent], level="info") if problem.code == "spam"]
    assert any("SUBJ_ALL_CAPS" in problem.message for problem in found), found
    assert all(problem.sample == "one" for problem in found)


def test_without_the_program_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImproperlyConfigured, match="apt-get install spamassassin"):
        check([], spam=True)
