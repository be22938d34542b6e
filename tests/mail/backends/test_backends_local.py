"""What is particular to the backends that need no server: locmem, console, filebased, and their base."""

from __future__ import annotations

import copy
import io
import os
import pickle
import re
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerogram import mail
from aerogram.conf import settings
from aerogram.exceptions import DeliveryError, ImproperlyConfigured
from aerogram.mail import EmailMessage, EmailMultiAlternatives
from aerogram.mail.backends import filebased
from aerogram.mail.backends.base import BaseEmailBackend, LocalBackend
from aerogram.mail.backends.console import EmailBackend as ConsoleBackend
from aerogram.mail.backends.console import printable
from aerogram.mail.backends.filebased import EmailBackend as FileBackend
from aerogram.mail.backends.locmem import EmailBackend as LocmemBackend

HYPHENS = "-" * 79


def message(subject: str = "Subject", body: str = "Content") -> EmailMessage:
    return EmailMessage(subject, body, "from@example.com", ["to@example.com"])


class TestBase:
    def test_only_sending_is_left_to_write(self) -> None:
        backend = BaseEmailBackend(True, host="ignored")
        assert backend.fail_silently is True
        assert backend.open() is None
        assert backend.close() is None
        with pytest.raises(NotImplementedError, match="must override send_messages"):
            backend.send_messages([])
        with pytest.raises(NotImplementedError, match="must override keep"):
            LocalBackend().keep(None, None)

    def test_with_closes_what_failed_to_open(self) -> None:
        class Broken(BaseEmailBackend):
            closed = False

            def open(self) -> bool:
                raise OSError("no route")

            def close(self) -> None:
                self.closed = True

        backend = Broken()
        with pytest.raises(OSError, match="no route"), backend:
            pass
        assert backend.closed


class TestLocmem:
    def test_outbox_looked_at_before_the_first_message_is_the_list_that_gets_it(self) -> None:
        before = mail.outbox
        assert before == []
        backend = LocmemBackend()
        backend.send_messages([message()])
        assert len(before) == 1
        assert mail.outbox is before
        del mail.outbox
        backend.send_messages([message()])
        assert len(mail.outbox) == 1

    def test_outbox_may_be_replaced(self) -> None:
        backend = LocmemBackend()
        mail.outbox = mine = []
        backend.send_messages([message()])
        assert len(mine) == 1

    def test_backends_share_the_outbox(self) -> None:
        LocmemBackend().send_messages([message("a")])
        LocmemBackend().send_messages([message("b")])
        assert [each.subject for each in mail.outbox] == ["a", "b"]

    def test_later_changes_do_not_reach_the_outbox(self) -> None:
        sent = EmailMultiAlternatives("Before", "B", to=["a@example.com"], headers={"X-A": "1"})
        sent.attach("a.txt", "text", "text/plain")
        sent.attach_alternative("<p>", "text/html")
        LocmemBackend().send_messages([sent])
        sent.subject = "After"
        sent.to.append("b@example.com")
        sent.attachments.clear()
        sent.alternatives.clear()
        sent.extra_headers["X-A"] = "2"
        (kept,) = mail.outbox
        assert kept is not sent
        assert (kept.subject, kept.to, kept.extra_headers) == ("Before", ["a@example.com"], {"X-A": "1"})
        assert kept.attachments[0].filename == "a.txt"
        assert kept.alternatives[0].mimetype == "text/html"

    def test_message_without_recipients_is_kept_as_in_django(self) -> None:
        assert LocmemBackend().send_messages([EmailMessage("nobody")]) == 1
        assert mail.outbox[0].subject == "nobody"

    def test_a_message_that_was_sent_can_be_pickled(self) -> None:
        sent = message()
        sent.connection = LocmemBackend(fail_silently=True)
        sent.send()
        for each in (sent, mail.outbox[0]):
            twin = pickle.loads(pickle.dumps(each))
            assert twin.connection.fail_silently
            assert twin.send() == 1
        assert len(mail.outbox) == 3

    def test_a_message_that_was_sent_can_be_copied(self) -> None:
        sent = message()
        sent.connection = LocmemBackend()
        sent.send()
        assert copy.deepcopy(sent).subject == "Subject"


class TestConsole:
    def test_writes_message_and_hyphens_to_the_stream(self) -> None:
        stream = io.StringIO()
        assert ConsoleBackend(stream=stream).send_messages([message("a"), message("b")]) == 2
        first, second, end = stream.getvalue().split(f"\n{HYPHENS}\n")
        assert "Subject: a\n" in first
        assert first.endswith("\n\nContent")
        assert "Subject: b\n" in second
        assert end == ""

    def test_writes_to_standard_output(self, capsys: pytest.CaptureFixture[str]) -> None:
        ConsoleBackend().send_messages([message()])
        assert "Subject: Subject\n" in capsys.readouterr().out

    def test_standard_output_is_looked_up_at_construction(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        backend = ConsoleBackend()
        monkeypatch.undo()
        backend.send_messages([message()])
        assert "Subject: Subject" in stream.getvalue()

    def test_readable_text_beyond_ascii(self) -> None:
        stream = io.StringIO()
        ConsoleBackend(stream=stream).send_messages([message(body="Schöne Grüße, 日本\n")])
        assert "Schöne Grüße, 日本\n" in stream.getvalue()

    @pytest.mark.parametrize("charset", ["latin-1", "utf-8"])
    def test_other_charsets_of_the_message(self, charset: str) -> None:
        stream = io.StringIO()
        sent = message(body="Grüße")
        sent.encoding = charset
        assert ConsoleBackend(stream=stream).send_messages([sent]) == 1
        assert HYPHENS in stream.getvalue()

    def test_escape_sequences_are_neutralised(self) -> None:
        stream = io.StringIO()
        body = "\x1b[31mred\x1b]0;title\x07 \x9b2J \u202eexe.pdf \x00 back\x08 tab\tstays\r\nnext"
        sent = EmailMultiAlternatives("s", body, to=["a@example.com"])
        sent.attach_alternative(f"<p>{body}</p>", "text/html")
        ConsoleBackend(stream=stream).send_messages([sent])
        output = stream.getvalue()
        assert (
            "\\x1b[31mred\\x1b]0;title\\x07 \\x9b2J \\u202eexe.pdf \\x00 back\\x08 tab\tstays\nnext" in output
        )
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", output)

    @given(st.text())
    def test_printable_leaves_no_control_character(self, text: str) -> None:
        shown = printable(text)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)

    def test_a_terminal_that_knows_only_ascii(self) -> None:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
        ConsoleBackend(stream=stream).send_messages([message(body="Grüße")])
        assert b"Gr\\xfc\\xdfe" in stream.buffer.getvalue()

    def test_a_stream_that_fails(self) -> None:
        class Full(io.StringIO):
            def write(self, text: str) -> int:
                raise OSError(28, "No space left on device")

        with pytest.raises(OSError, match="No space"):
            ConsoleBackend(stream=Full()).send_messages([message()])
        sent = message()
        assert ConsoleBackend(True, stream=Full()).send_messages([sent]) == 0
        (result,) = sent.delivery.recipients.values()
        assert (result.status, result.text) == ("deferred", "No space left on device")

    def test_one_lock_for_one_backend(self) -> None:
        # A message may be sent while another is: by a logging handler that mails the admins.
        stream = io.StringIO()
        backend = ConsoleBackend(stream=stream)

        class Nested(EmailMessage):
            def message(self) -> Any:
                backend.send_messages([message("inner")])
                return super().message()

        assert backend.send_messages([Nested("outer", to=["a@example.com"])]) == 1
        assert re.findall("^Subject: (.*)", stream.getvalue(), re.M) == ["inner", "outer"]


class TestFilebased:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "new" / "mail"

    def test_one_file_a_session(self, folder: Path) -> None:
        backend = FileBackend(file_path=folder)
        assert backend.send_messages([message("a"), message("b")]) == 2
        backend.send_messages([message("c")])
        FileBackend(file_path=folder).send_messages([message("d")])
        files = sorted(folder.iterdir(), key=lambda path: path.stat().st_size)
        assert [re.findall(b"^Subject: (.*)", path.read_bytes(), re.M) for path in files] == [
            [b"d"],
            [b"a", b"b", b"c"],
        ]

    def test_name_and_separator_as_in_django(self, folder: Path) -> None:
        FileBackend(file_path=folder).send_messages([message("a"), message("b")])
        (path,) = folder.iterdir()
        assert re.fullmatch(r"\d{8}-\d{6}-\d+\.log", path.name)
        assert path.read_bytes().count(b"\n" + HYPHENS.encode() + b"\n") == 2
        assert path.read_bytes().endswith(b"Content\n" + HYPHENS.encode() + b"\n")

    def test_open_and_close(self, folder: Path) -> None:
        backend = FileBackend(file_path=folder)
        assert backend.open() is True
        assert backend.open() is False
        backend.send_messages([message("a")])
        assert backend.stream is not None
        backend.close()
        assert backend.stream is None
        backend.close()
        assert backend.open() is True
        backend.close()
        assert len(list(folder.iterdir())) == 1

    def test_no_message_no_file(self, folder: Path) -> None:
        backend = FileBackend(file_path=folder)
        backend.send_messages([])
        with pytest.raises(ValueError, match="newline"):
            backend.send_messages([message("a\nb")])
        assert list(folder.iterdir()) == []

    def test_files_and_folders_are_for_their_owner(self, folder: Path) -> None:
        before = os.umask(0)
        try:
            FileBackend(file_path=folder).send_messages([message()])
        finally:
            os.umask(before)
        (path,) = folder.iterdir()
        assert [stat.S_IMODE(each.stat().st_mode) for each in (path, folder, folder.parent)] == [
            0o600,
            0o700,
            0o700,
        ]

    def test_never_writes_into_a_file_that_is_there(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(filebased, "id", lambda _: 7, raising=False)  # as in forked processes
        backends = [FileBackend(file_path=folder) for _ in range(3)]
        for backend in backends:
            backend.send_messages([message()])
        monkeypatch.undo()
        assert len(list(folder.iterdir())) == 3

    def test_a_link_in_its_place_is_not_followed(self, folder: Path, tmp_path: Path) -> None:
        backend = FileBackend(file_path=folder)
        backend.send_messages([message()])
        (path,) = folder.iterdir()
        path.unlink()
        path.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic"):
            backend.send_messages([message()])
        assert not (tmp_path / "elsewhere").exists()

    @pytest.mark.parametrize("as_type", [str, Path])
    def test_path_of_the_setting(self, folder: Path, as_type: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(folder.parents[1])
        with settings.override(EMAIL_FILE_PATH=as_type("new/mail")):
            backend = FileBackend()
        assert backend.file_path == str(folder)

    def test_without_a_path(self) -> None:
        with pytest.raises(ImproperlyConfigured, match="Set EMAIL_FILE_PATH"):
            FileBackend()

    def test_path_that_is_a_file(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.touch()
        with pytest.raises(ImproperlyConfigured, match=r"is not a directory.*\(file_path\)"):
            FileBackend(file_path=path)
        with (
            settings.override(EMAIL_FILE_PATH=path / "below"),
            pytest.raises(
                ImproperlyConfigured, match=r"Could not create.*\(EMAIL_FILE_PATH, settings\.override\(\)\)"
            ),
        ):
            FileBackend()

    def test_folder_that_cannot_be_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
        with pytest.raises(ImproperlyConfigured, match="Could not write to directory"):
            FileBackend(file_path=tmp_path)

    def test_folder_that_goes_away(self, folder: Path) -> None:
        backend, silent = FileBackend(file_path=folder), FileBackend(True, file_path=folder)
        folder.rmdir()
        with pytest.raises(FileNotFoundError):
            backend.send_messages([message()])
        assert silent.send_messages([message()]) == 0


def test_a_batch_error_is_about_mail_that_was_kept_all_the_same() -> None:
    with pytest.raises(DeliveryError, match="1 of 2 messages"):
        LocmemBackend().send_messages([message(), message("a\nb")])
    assert len(mail.outbox) == 1
