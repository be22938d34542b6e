"""Peak memory of a digest run for different numbers of people: ``./run bench digest``.

Each row is a process of its own. It builds the weekly digests of ``examples/digest`` from events and sends
them with ``send_mass_mail`` from a generator: through the SMTP backend to a catching server, which runs in
another process and keeps nothing, or with ``--email-url dummy:`` through the dummy backend, which builds
every message and sends none.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from aerogram.catcher import CatchingServer
from aerogram.conf import settings
from aerogram.mail import send_mass_mail

DIGEST = Path(__file__).resolve().parent.parent / "examples" / "digest"


def send(people: int, url: str) -> None:
    """Send the digests of ``people`` and print the peak memory (MiB) and the time (s) of the process."""
    os.chdir(DIGEST)
    sys.path.insert(0, str(DIGEST))
    import weekly

    begun = time.perf_counter()
    with settings.override(EMAIL_URL=url):
        sent = send_mass_mail(weekly.digests(weekly.events_of_the_week(people)))
    assert sent == people, f"{sent} of {people} were sent"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(peak, time.perf_counter() - begun)


def serve() -> None:
    """Catch mail until standard input closes; print the port first."""
    with CatchingServer(keep=False) as server:
        print(server.port, flush=True)
        sys.stdin.read()


@contextmanager
def catching_server() -> Iterator[str]:
    """Run :func:`serve` in another process and give its URL."""
    command = [sys.executable, "-m", "benchmarks.digest", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"smtp://127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.stdin.close()


def measure(people: int, url: str) -> tuple[float, float]:
    """Return the peak memory (MiB) and the time (s) of a run in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.digest", "--send", str(people), "--email-url", url]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    peak, seconds = output.split()
    return float(peak), float(seconds)


def main() -> None:
    """Parse the arguments and run the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, nargs="+", default=[100, 1000, 10_000], metavar="N")
    parser.add_argument(
        "--email-url", metavar="URL", help="where the mail goes; a catching server by default"
    )
    parser.add_argument("--send", type=int, metavar="N", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.send is not None:
        send(options.send, options.email_url)
    elif options.email_url:
        report(options.people, options.email_url)
    else:
        with catching_server() as url:
            report(options.people, url)


def report(sizes: list[int], url: str) -> None:
    """Measure each number of people and print a table."""
    table = Table(
        box=SIMPLE_HEAD, title=f"Weekly digest through {url.partition(':')[0]}", title_justify="left"
    )
    for heading in ("People", "Peak memory", "More than the first", "Per second"):
        table.add_column(heading, justify="right")
    least = None
    for people in sizes:
        peak, seconds = measure(people, url)
        least = peak if least is None else least
        table.add_row(
            f"{people:,}", f"{peak:.1f} MiB", f"{peak - least:+.1f} MiB", f"{people / seconds:,.0f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
