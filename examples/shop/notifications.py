"""The mails of the shop: one class each, with the samples that previews and checks use."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from invoice import invoice_pdf
from orders import Customer, Line, Money, Order, Parcel

from aerogram import AdminNotification, Notification

ANN = Customer("Ann Lindqvist", "ann@example.com")
LAYLA = Customer("ليلى الحداد", "layla@example.com")
SATO = Customer("佐藤 美咲", "sato@example.com")
LONG_NAME = Customer(
    "Maximiliane Charlotte von und zu Hohenstaufen-Wittelsbach, née O'Connor",
    "maximiliane.charlotte.von.und.zu.hohenstaufen-wittelsbach@correspondence.example.com",
)

FLORES = Line("Flores Bajawa, washed, 250 g", 2, Money(1150))
FILTERS = Line("Paper filters, 100 sheets", 1, Money(650))
GRINDER = Line("Hand grinder <Nano>, steel burrs", 1, Money(118900))


class ShopMail(Notification, abstract=True):
    """Base class of all mail to customers."""

    category = "transactional"  # says that it is automatic, so that no vacation note answers

    customer: Customer
    reply_to = ("Halyard Coffee <hello@halyard.example>",)

    @property
    def to(self) -> list[str]:
        """The customer."""
        return [self.customer.mailbox]


class Welcome(ShopMail):
    """Sent once, when a customer has opened an account."""

    subject = "Welcome to Halyard Coffee"
    html_template = "shop/welcome.html"

    voucher: str = ""

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return mails with and without a voucher, and names that are difficult for a layout."""
        return {
            "with voucher": cls(customer=ANN, voucher="HELLO-10"),
            "without voucher": cls(customer=SATO),
            "right-to-left name": cls(customer=LAYLA, voucher="HELLO-10"),
            "long name": cls(customer=LONG_NAME),
        }


class PasswordReset(ShopMail):
    """Sent when a customer requests a new password."""

    subject = "Reset your password"
    html_template = "shop/password_reset.html"
    text_template = "shop/password_reset.txt"

    url: str
    minutes: int = 30

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return a short link and a very long one."""
        link = "https://halyard.example/reset"
        return {
            "short link": cls(customer=ANN, url=f"{link}/7f3k-92mx"),
            "long link": cls(
                customer=LONG_NAME, url=f"{link}?token={'a1B2c3D4' * 16}&next=/orders", minutes=5
            ),
        }


class OrderReceipt(ShopMail):
    """Sent when an order has been paid; the invoice is attached."""

    subject = "Your order {{ order.number }}"
    html_template = "shop/order_receipt.html"

    order: Order

    @property
    def attachments(self) -> Sequence[tuple[str, bytes, str]]:
        """The invoice."""
        return [(f"invoice-{self.order.number}.pdf", invoice_pdf(self.order), "application/pdf")]

    def context(self) -> dict[str, Any]:
        """Return the fields, and the rows of the table."""
        order = self.order
        discount = [("Discount", -order.discount)] if order.discount else []
        return {
            **super().context(),
            "rows": [(line.article, line.quantity, line.total) for line in order.lines],
            "totals": [
                ("Subtotal", order.subtotal),
                *discount,
                ("Shipping", order.shipping),
                ("Total", order.total),
            ],
        }

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return short and long orders, one without discount, and names that are difficult for a layout."""
        many = [
            Line(f"{roast} roast no. {n}, whole beans", n, Money(900 + 35 * n))
            for n in range(1, 14)
            for roast in ("Light", "Medium", "Dark")
        ]
        return {
            "two articles": cls.of(sample_order(ANN, FLORES, FILTERS, discount=Money(300))),
            "no discount": cls.of(sample_order(SATO, FLORES)),
            "many lines": cls.of(sample_order(LAYLA, *many, discount=Money(2500))),
            "long name": cls.of(sample_order(LONG_NAME, GRINDER, FILTERS)),
        }

    @classmethod
    def of(cls, order: Order) -> Self:
        """Return the receipt of ``order`` for its customer."""
        return cls(customer=order.customer, order=order)


class OrderShipped(ShopMail):
    """Sent when the parcel leaves the roastery."""

    subject = "Order {{ parcel.order.number }} is on its way"
    html_template = "shop/order_shipped.html"

    parcel: Parcel

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return a parcel for a usual name and one for a right-to-left name."""
        return {
            "one parcel": cls.of(sample_parcel(ANN)),
            "right-to-left name": cls.of(sample_parcel(LAYLA)),
        }

    @classmethod
    def of(cls, parcel: Parcel) -> Self:
        """Return the mail about ``parcel`` for its customer."""
        return cls(customer=parcel.order.customer, parcel=parcel)


class ErrorReport(AdminNotification):
    """Sent to the engineers when a page of the shop has failed. It shows no values, which may be secrets."""

    subject = "{{ error }} at {{ path }}"
    html_template = "shop/error_report.html"

    error: str
    path: str
    when: datetime
    lines: str

    @classmethod
    def of(cls, error: Exception, path: str) -> Self:
        """Return the report of ``error``, which was raised while serving ``path``."""
        lines = "".join(traceback.format_exception(error))
        return cls(error=type(error).__name__, path=path, when=datetime.now(UTC), lines=lines)

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return the report of a failed payment."""
        when = datetime(2026, 5, 13, 9, 41, tzinfo=UTC)
        lines = (
            "Traceback (most recent call last):\n"
            '  File "shop/checkout.py", line 88, in pay\n'
            "    receipt = gateway.charge(order.total, card)\n"
            '  File "shop/gateway.py", line 41, in charge\n'
            "    reply = self.connection.post(CHARGES, charge, timeout=5)\n"
            "TimeoutError: the payment gateway did not answer within 5 s\n"
        )
        return {"payment timed out": cls(error="TimeoutError", path="/checkout/pay", when=when, lines=lines)}


def sample_order(customer: Customer, *lines: Line, discount: Money = Money(0)) -> Order:  # noqa: B008 - immutable
    """Return an order for the samples, always with the same date and number."""
    address = "12 Harbour Street, 2nd floor, Bristol BS1 4RB, United Kingdom"
    return Order("2026-1042", customer, lines, address, date(2026, 5, 13), discount=discount)


def sample_parcel(customer: Customer) -> Parcel:
    """Return a parcel for the samples."""
    order = sample_order(customer, FLORES, FILTERS)
    url = "https://parcels.example/track/00340434161094042557"
    return Parcel(order, "Northway", "0034 0434 1610 9404 2557", url, order.placed + timedelta(days=3))
