"""Number of calls and modules of one send: ``./run bench calls``.

Counts the calls of functions of Aerogram, and the modules these functions are in, during a warm send
through the ``locmem`` backend: the first sends load modules and fill caches, then one is counted. Calls of
Jinja, lxml and the standard library do not count. A generator counts once, however often it is resumed.

``--tree`` prints the calls, ``--modules`` the number of calls per module.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from inspect import CO_GENERATOR
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import aerogram
from aerogram import Notification, mail
from aerogram.conf import settings
from aerogram.mail import EmailMultiAlternatives

PACKAGE = str(Path(aerogram.__file__).parent)
PAGE = """<!doctype html><html><head><style>p {color: #333} .button {padding: 12px}</style></head><body>
<p>Dear {{ name }},</p><p>order {{ order.number }} is on its way.</p>
<p><a class="button" href="{{ order.link }}">Track your parcel</a></p></body></html>
"""


class OrderShipped(Notification):
    """A mail with an HTML template, a text part made from it, and one recipient."""

    subject = "Order {{ order.number }} is on its way"
    html_template = "order_shipped.html"
    from_email = "Shop <shop@example.com>"

    to: list[str]
    name: str
    order: dict[str, str]


def send_notification() -> None:
    """Create a notification and send it."""
    order = {"number": "A-1017", "link": "https://shop.example.com/orders/1017"}
    OrderShipped(to=["Ann <ann@example.com>"], name="Ann", order=order).send()


def send_message() -> None:
    """Create a message with text and HTML and send it."""
    message = EmailMultiAlternatives(
        "Order A-1017 is on its way",
        "Dear Ann, order A-1017 is on its way.\n",
        "Shop <shop@example.com>",
        ["Ann <ann@example.com>"],
    )
    message.attach_alternative("<p>Dear Ann, order A-1017 is on its way.</p>", "text/html")
    message.send()


class Call(NamedTuple):
    """A call: its depth, and the module and name of the function."""

    depth: int
    module: str
    function: str


def calls_of(send: Callable[[], None]) -> list[Call]:
    """Return the calls of functions of the package during ``send``, in order."""
    calls: list[Call] = []
    stack: list[FrameType] = []
    resumable: set[FrameType] = set()

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(PACKAGE):
            return
        if event == "call":
            if frame not in resumable:
                calls.append(Call(len(stack), frame.f_globals["__name__"], code.co_qualname))
            if code.co_flags & CO_GENERATOR:
                resumable.add(frame)
            stack.append(frame)
        elif event == "return" and stack:
            stack.pop()

    sys.setprofile(profile)
    try:
        send()
    finally:
        sys.setprofile(None)
    return calls


CONTESTS = {
    "Notification.send()": (send_notification, (220, 28)),
    "EmailMultiAlternatives.send()": (send_message, (120, 14)),
}


def main() -> None:
    """Count the calls and print them."""
    parser = argparse.ArgumentParser(
        prog="./run bench calls", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tree", action="store_true", help="print the calls")
    parser.add_argument("--modules", action="store_true", help="print the calls into each module")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "order_shipped.html").write_text(PAGE)
        settings.configure(EMAIL_URL="locmem:", TEMPLATE_DIRS=[folder])
        for label, (send, (most_calls, most_modules)) in CONTESTS.items():
            for _ in range(3):
                send()
            calls = calls_of(send)
            mail.outbox.clear()
            modules = Counter(call.module for call in calls)
            print(
                f"{label:30} {len(calls):4} calls [{most_calls}]  {len(modules):3} modules [{most_modules}]"
            )
            if options.modules:
                for module, count in modules.most_common():
                    print(f"    {count:4}  {module}")
            if options.tree:
                for call in calls:
                    print(f"    {'  ' * call.depth}{call.function}  ({call.module})")


if __name__ == "__main__":
    main()
