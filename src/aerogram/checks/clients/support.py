"""The table of features and mail programs; ``tools/compact_caniemail.py`` renews it."""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Support", "chosen_clients", "client_names", "feature_slugs", "support_of"]


class Support(NamedTuple):
    """The mail programs that do not support a feature, or only in part, and notes on the latter."""

    title: str
    lacking: list[str]
    partial: list[str]
    notes: list[str]


class _Data(NamedTuple):
    """The contents of the data file, as the script writes it."""

    source: str
    updated: str
    clients: dict[str, str]
    features: dict[str, tuple[str, str, dict[str, list[int]]]]  # title, a letter a client, notes


@cache
def _data() -> _Data:
    return _Data(**json.loads(Path(__file__).with_name("caniemail.json").read_text("utf-8")))


def feature_slugs() -> set[str]:
    """Return the names of all features."""
    return set(_data().features)


def client_names() -> dict[str, str]:
    """Return the title of each mail program by its name, ``family.platform``."""
    return _data().clients


def chosen_clients() -> tuple[str, ...]:
    """Return the mail programs of the setting ``CHECKS_CLIENTS``.

    Raises:
        ImproperlyConfigured: it names one that the data does not have.
    """
    return _expanded(tuple(settings.CHECKS_CLIENTS), settings.source_of("CHECKS_CLIENTS"))


@lru_cache(maxsize=16)
def _expanded(entries: tuple[str, ...], source: str) -> tuple[str, ...]:
    chosen: dict[str, None] = {}
    for entry in entries:
        found = [client for client in client_names() if entry in (client, client.partition(".")[0])]
        if not found:
            raise ImproperlyConfigured(
                f"CHECKS_CLIENTS ({source}): there is no mail program {entry!r}. Accepted: a family such as "
                f"'gmail', or one of {', '.join(client_names())}."
            )
        chosen |= dict.fromkeys(found)
    return tuple(chosen)


@lru_cache(maxsize=1024)
def support_of(slug: str, clients: Sequence[str]) -> Support:
    """Return which of these mail programs lack a feature."""
    title, letters, notes = _data().features[slug]
    names = client_names()
    numbers = {client: number for number, client in enumerate(names)}
    by_letter: dict[str, list[str]] = {"n": [], "a": []}
    for client in clients:
        by_letter.setdefault(letters[numbers[client]], []).append(client)
    asked = {numbers[client] for client in by_letter["a"]}
    texts = [text for text, concerned in notes.items() if asked.intersection(concerned)]
    return Support(title, by_letter["n"], by_letter["a"], texts)
