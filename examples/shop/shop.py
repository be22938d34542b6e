"""A small shop: a customer opens an account, orders and gets a parcel; then a payment fails.

Run ``python shop.py``. The mails are written to the folder ``outbox`` (see ``aerogram.toml``).
"""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

from notifications import ErrorReport, OrderReceipt, OrderShipped, PasswordReset, Welcome
from orders import Customer, Line, Money, Order, Parcel


def open_account(customer: Customer) -> int:
    """Welcome a new customer; return the number of mails sent."""
    return Welcome(customer=customer, voucher="HELLO-10").send()


def forget_password(customer: Customer, token: str) -> int:
    """Send the link for a new password; return the number of mails sent."""
    return PasswordReset(customer=customer, url=f"https://halyard.example/reset/{token}").send()


def place_order(order: Order) -> int:
    """Confirm a paid order; return the number of mails sent."""
    return OrderReceipt.of(order).send()


def ship(parcel: Parcel) -> int:
    """Notify the customer that the parcel has left; return the number of mails sent."""
    return OrderShipped.of(parcel).send()


def pay_with_a_broken_gateway() -> int:
    """Fail to pay and report it to the engineers; return the number of mails sent."""
    try:
        raise TimeoutError("the payment gateway did not answer within 5 s")
    except TimeoutError as error:
        return ErrorReport.of(error, "/checkout/pay").send()


def live_one_day() -> int:
    """Send one mail of each kind; return the number of mails sent."""
    customer = Customer("Ann Lindqvist", "ann@example.com")
    lines = [
        Line("Flores Bajawa, washed, 250 g", 2, Money(1150)),
        Line("Paper filters, 100 sheets", 1, Money(650)),
    ]
    order = Order("2026-1042", customer, lines, "12 Harbour Street, Bristol BS1 4RB", date.today())
    parcel = Parcel(
        order,
        "Northway",
        "0034 0434 1610",
        "https://parcels.example/track/003404341610",
        date.today() + timedelta(3),
    )
    return (
        open_account(customer)
        + forget_password(customer, "7f3k-92mx")
        + place_order(order)
        + ship(parcel)
        + pay_with_a_broken_gateway()
    )


if __name__ == "__main__":
    os.chdir(Path(__file__).parent)  # where aerogram.toml is
    print(f"{live_one_day()} mails sent, to the place that aerogram.toml names.")
