"""A nightly job whose errors are mailed to the people in ADMINS: two mails for eight errors.

``python alarms.py`` prints the mails. With ``AEROGRAM_EMAIL_CAPTURE=smtp://127.0.0.1:1025``, they go to
``aerogram catch`` in another terminal.
"""

from __future__ import annotations

import logging
import logging.config
import os
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("payments")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "mail": {"class": "aerogram.contrib.logging.AdminNotificationHandler", "level": "ERROR"},
    },
    "root": {"level": "INFO", "handlers": ["mail"]},
}


class BankUnreachable(Exception):
    """The bank does not answer."""


@dataclass
class Payment:
    """What one customer owes."""

    customer: str
    cents: int
    bank: str


def payments() -> list[Payment]:
    """Return the payments of a night in which a bank is down, and one payment is not what it should be."""
    made = [Payment(f"customer {number}", 990, "north" if number % 3 else "south") for number in range(20)]
    return [*made, Payment("customer 20", 0, "north")]


def charge(payment: Payment, api_key: str) -> float:
    """Charge one payment; return its share of a fee of ten cents."""
    if payment.bank == "south":
        raise BankUnreachable(f"no answer from https://robot:{api_key}@south.example/charge")
    return 10 / payment.cents


def main() -> None:
    """Charge all payments; an error ends one payment, not the job."""
    os.chdir(Path(__file__).parent)  # where aerogram.toml is
    logging.config.dictConfig(LOGGING)
    charged = 0
    for payment in payments():
        try:
            charge(payment, api_key="k-4711")
        except Exception:
            extra = {"customer": payment.customer, "api_key": "k-4711"}
            log.exception("the payment of %s failed", payment.customer, extra=extra)
        else:
            charged += 1
    logging.shutdown()  # sends what waits for equal errors; the end of a program does so, too
    print(f"{charged} payments charged.")


if __name__ == "__main__":
    main()
