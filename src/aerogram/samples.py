"""The samples of a notification: named instances for previews, checks and tests."""

from __future__ import annotations

from collections.abc import Mapping

from aerogram.exceptions import DeclarationError
from aerogram.notification import Notification


def samples_of(cls: type[Notification]) -> dict[str, Notification]:
    """Return the samples of a class by name; what is no dict of names and notifications is refused."""
    samples: object = cls.samples()
    if not isinstance(samples, Mapping):
        found = f"a {type(samples).__name__}"
    elif strange := {name: each for name, each in samples.items() if not isinstance(each, Notification)}:
        name, sample = next(iter(strange.items()))
        found = f"a {type(sample).__name__} as the sample {name!r}"
    else:
        return dict(samples)
    raise DeclarationError(
        f"{cls.__qualname__}.samples() returned {found}. Accepted: a dict of names and instances, such as "
        f'{{"typical": cls(…)}}.'
    )
