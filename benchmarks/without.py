"""What each fast path of rendering brings: ``./run bench without``.

Each round renders messages of the templates of ``./run bench render``, once with all fast paths and once
without each of them. The table shows the medians in milliseconds of processor time per message, and how much
longer a message takes without one. "new" are shapes that no stencil knows, "new sheet" those whose style
sheet is new as well, "known" the others.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from aerogram.conf import settings
from aerogram.inlining import applying, cascade, properties, selectors, stylesheet
from aerogram.plaintext import style
from aerogram.plaintext.grid import Grid

from .render import PAGES, Contestants, Run, context


def uncached(function: Any) -> Callable[..., Any]:
    """Return what a cached function calls."""

    def call(*arguments: Any, **options: Any) -> Any:
        return function.__wrapped__(*arguments, **options)

    call.__wrapped__ = function.__wrapped__  # type: ignore[attr-defined]  # long arguments skip the cache by it
    return call


# What is replaced, and what by, to go without a fast path.
SWITCHES: dict[str, tuple[Any, str, Any]] = {
    "sheets": (applying, "parse_sheet", uncached(applying.parse_sheet)),
    "outcomes": (cascade, "_cascade_of", uncached(cascade._cascade_of)),
    "styles": (style, "_style_info", uncached(style._style_info)),
    "selectors": (stylesheet, "read_selector", uncached(selectors.read_selector)),
    "relations": (stylesheet, "may_share_longhand", uncached(properties.may_share_longhand)),
    "valid values": (stylesheet, "is_surely_valid", uncached(properties.is_surely_valid)),
    "table forms": (Grid, "_filled", Grid._padded),
}
MESSAGES = {"new": 3, "new sheet": 3, "known": 40}


def measure(names: list[str], templates: list[str], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Return milliseconds per message, by column and fast path; under an empty name with all of them."""
    contestants = Contestants()
    forget_sheets = applying.parse_sheet.cache_clear

    def new_sheet(name: str, variables: dict[str, Any]) -> object:
        forget_sheets()
        return contestants.aerogram_unseen(name, variables)

    runs: dict[str, Run] = {
        "new": contestants.aerogram_unseen,
        "new sheet": new_sheet,
        "known": contestants.aerogram,
    }
    chance = random.Random(1)  # noqa: S311  # sample data, no secret
    times: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for number in range(rounds + 1):
        for template in templates:
            for kind, run in runs.items():
                variables = [context(template, chance) for _ in range(MESSAGES[kind])]
                for name in ["", *names, ""]:
                    spent = timed(run, template, variables, name)
                    if number:  # the first round only warms up
                        times[f"{template} {kind}"][name].append(spent)
    return times


def timed(run: Run, template: str, variables: list[dict[str, Any]], name: str) -> float:
    """Return milliseconds per message without one fast path."""
    if name:
        with patch.object(*SWITCHES[name]):
            return timed(run, template, variables, "")
    start = time.process_time()
    for one in variables:
        run(template, one)
    return (time.process_time() - start) * 1000 / len(variables)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="./run bench without", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(SWITCHES)}; default all")
    parser.add_argument("--templates", default="receipt,invoice,digest,alert", help="separated by commas")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    names = options.names or list(SWITCHES)
    if unknown := sorted(set(names) - SWITCHES.keys()):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SWITCHES)}")
    with settings.override(TEMPLATE_DIRS=[PAGES]), settings.frozen():
        times = measure(names, options.templates.split(","), options.rounds)
    medians = {
        column: {name: statistics.median(found) for name, found in by_name.items()}
        for column, by_name in times.items()
    }
    print("".join(f"{column:>18}" for column in ("without", *medians)))
    print(f"{'(nothing)':>18}" + "".join(f"{by_name['']:15.3f} ms" for by_name in medians.values()))
    for name in names:
        costs = (by_name[name] / by_name[""] - 1 for by_name in medians.values())
        print(f"{name:>18}" + "".join(f"{cost:+18.0%}" for cost in costs))


if __name__ == "__main__":
    main()
