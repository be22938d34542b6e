"""The samples of all notifications: each is rendered once, and held until a file changes."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from aerogram import registry
from aerogram.conf import settings
from aerogram.exceptions import NotificationNotFound, describe
from aerogram.notification import renderer_of
from aerogram.preview.sample import Group, Sample, grouped
from aerogram.preview.studio.editing import edited
from aerogram.preview.studio.locales import in_locale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Library", "Variant"]

_MOST_VARIANTS = 200  # edited samples and other locales that are held


@dataclass(frozen=True)
class Variant:
    """Which form of a sample: the edited fields as JSON, and a locale; both empty for the sample itself."""

    edits: tuple[tuple[str, str | None], ...] = ()
    locale: str = ""

    @classmethod
    def of(cls, edits: Mapping[str, str | None], locale: str = "") -> Variant:
        """Return the variant with these fields edited."""
        return cls(tuple(sorted(edits.items())), locale)


class Library:
    """All samples; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._groups: list[Group] | None = None
        self._variants: OrderedDict[tuple[str, Variant], Sample] = OrderedDict()
        self._stamp: object = None
        self.problems: list[tuple[str, str]] = []

    def groups(self) -> list[Group]:
        """Return the notifications with their samples, as the files are now."""
        with self._lock:
            if self._groups is None:
                self._groups = grouped(self._load())
                self._variants.clear()
                self._stamp = self._newest()
            elif (stamp := self._newest()) != self._stamp:
                self._groups, self._stamp = grouped(registry.all_notifications()), stamp
                self._variants.clear()
            return self._groups

    def samples(self) -> Iterator[Sample]:
        """Yield every sample, rendered."""
        for group in self.groups():
            for sample in list(group.samples):
                with self._lock:
                    sample.render()
                yield sample

    def find(self, name: str, sample: str, variant: Variant = Variant()) -> Sample:
        """Return a sample, rendered, or with the error that prevented it.

        Args:
            name: the notification, by its name in the registry.
            sample: the name of the sample, or its file name in the previews.
            variant: an edited form, or another locale.

        Raises:
            NotificationNotFound: there is no such notification or sample.
            EditError: a value that a field does not accept.
        """
        with self._lock:
            found = self._named(name, sample)
            if variant != Variant():
                found = self._variant(found, variant)
            found.render()
            return found

    def folders(self) -> list[Path]:
        """Return the folders whose files the mails are made of."""
        names = {str(folder) for folder in (*settings.TEMPLATE_DIRS, *settings.LOCALE_DIRS)}
        for group in self._groups or ():
            names.update(renderer_of(group.notification).templates.template_dirs)
        return [path for path in sorted(map(Path, names)) if path.is_dir()]

    def _load(self) -> list[type]:
        """Import the modules; what is wrong with one is shown, and the others are there."""
        self.problems = []
        for module in settings.NOTIFICATION_MODULES:
            try:
                registry.load([module])
            except Exception as error:  # noqa: BLE001,RUF100 - the application's own code: whatever it raises is shown
                self.problems.append((module, describe(error)))
        return list(registry.all_notifications())

    def _named(self, name: str, sample: str) -> Sample:
        for group in self.groups():
            if name in (group.name, group.folder):
                for wanted in ("name", "stem"):
                    for each in group.samples:
                        if getattr(each, wanted) == sample:
                            return each
                listed = ", ".join(repr(each.name) for each in group.samples) or "none"
                raise NotificationNotFound(f"{name} has no sample {sample!r}. Available: {listed}.")
        registry.get(name)  # raises, with a hint
        raise NotificationNotFound(f"There is no notification named {name!r}.")

    def _variant(self, base: Sample, variant: Variant) -> Sample:
        key = (base.id, variant)
        if (found := self._variants.get(key)) is not None:
            self._variants.move_to_end(key)
            return found
        if base.notification is None:
            return base
        notification = edited(base.notification, dict(variant.edits))
        if variant.locale:
            notification = in_locale(notification, variant.locale)
        found = replace(base, notification=notification, rendered=None, error=None, made=None, findings=None)
        self._variants[key] = found
        while len(self._variants) > _MOST_VARIANTS:
            self._variants.popitem(last=False)
        return found

    def _newest(self) -> object:
        """Return what changes when a file does, without reading any."""
        found: list[tuple[str, int, int]] = []
        for folder in self.folders():
            found += _files(str(folder))
        return hash(tuple(found))


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _files(entry.path)
            else:
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size
        except OSError:  # removed meanwhile
            continue
