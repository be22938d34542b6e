from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from aerogram.mail.wire import known_lines
from aerogram.mail.wire.known_lines import KnownLines
from aerogram.mail.wire.transfer_encoding import encode_text

LINE = '<tr><td style="padding:12px 0">Äpfel aus Überlingen</td><td class="right">{}</td></tr>'


def page(own: str = "", rows: int = 80) -> str:
    return "\n".join([*(LINE.format(row) for row in range(rows)), own, ""])


def warmed(lines: KnownLines) -> KnownLines:
    for number in range(3):
        lines.quoted_printable(page(f"Nr. {number} für Sie"))
    return lines


def test_the_third_text_of_a_template_is_made_of_known_lines():
    lines = KnownLines(limit=1 << 20)
    written = [lines.quoted_printable(page(f"Nr. {number} für Sie")) for number in range(4)]
    assert written[:2] == [None, None]
    assert written[2:] == [encode_text(page(f"Nr. {number} für Sie").encode()).data for number in (2, 3)]


def test_texts_with_nothing_in_common_leave_no_line():
    lines = KnownLines(limit=1 << 20)
    for number in range(20):
        text = "\n".join(f"Zeile {row} von Schreiben {number}: ändert sich immer" for row in range(200))
        assert lines.quoted_printable(text) is None
    assert not lines._known


def test_what_is_kept_stays_within_the_limit_and_comes_back():
    lines = KnownLines(limit=100_000)
    for batch in range(40):
        for number in range(4):
            text = page(f"Nr. {number}").replace("Äpfel", f"Äpfel {batch}")
            written = lines.quoted_printable(text)
        assert written == encode_text(text.encode()).data
        assert sum(len(key) + len(value) for key, value in lines._known.items()) <= 101_000


def test_a_text_for_base64_is_left_to_who_decides_that():
    lines = KnownLines(limit=1 << 20)
    text = "\n".join(f"Привет, мир, номер {row}" for row in range(300))
    assert {lines.quoted_printable(text) for _ in range(4)} == {None}
    assert encode_text(text.encode()).encoding == "base64"


def test_half_of_a_surrogate_pair_or_a_bare_cr_is_left_to_the_whole_way():
    lines = warmed(KnownLines(limit=1 << 20))
    assert lines.quoted_printable(page("\ud800")) is None
    assert lines.quoted_printable(page("ä\rb")) is None
    assert lines.quoted_printable(page("ä")) is not None


@given(st.lists(st.text(alphabet=" \t=.äß€ab\n", max_size=200), max_size=12))
def test_known_lines_and_whole_texts_are_written_alike(own):
    lines = warmed(KnownLines(limit=1 << 20))
    text = page("\n".join(own))
    written = lines.quoted_printable(text)
    assert written is None or encode_text(text.encode()) == ("quoted-printable", written)


def test_threads_may_drop_each_others_lines(monkeypatch):
    lines = KnownLines(limit=10_000)
    monkeypatch.setattr(known_lines, "_MOST_SEEN", 300)
    wrong = []

    def write(name: str) -> None:
        for number in range(60):
            text = page(f"Nr. {number}").replace("Äpfel", name)
            written = lines.quoted_printable(text)
            if written not in (None, encode_text(text.encode()).data):
                wrong.append(written)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("Birnen ä", "Kirschen ö", "Äpfel")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
