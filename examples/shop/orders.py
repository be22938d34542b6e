"""Customers, orders and parcels: plain values without any mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from email.headerregistry import Address


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of money in euro, stored in cents.

    >>> print(Money(123450), Money(900) * 2 + Money(50))
    €1,234.50 €18.50
    """

    cents: int

    def __str__(self) -> str:
        sign = "\N{MINUS SIGN}" if self.cents < 0 else ""
        return f"{sign}€{abs(self.cents) / 100:,.2f}"

    def __add__(self, other: Money) -> Money:
        return Money(self.cents + other.cents)

    def __mul__(self, times: int) -> Money:
        return Money(self.cents * times)

    def __neg__(self) -> Money:
        return Money(-self.cents)

    def __bool__(self) -> bool:
        return bool(self.cents)


@dataclass(frozen=True, slots=True)
class Customer:
    """A person with an account."""

    name: str
    email: str

    @property
    def mailbox(self) -> str:
        """Name and address as one mailbox, with commas and quotes in the name escaped."""
        return str(Address(display_name=self.name, addr_spec=self.email))


@dataclass(frozen=True, slots=True)
class Line:
    """One article of an order."""

    article: str
    quantity: int
    price: Money

    @property
    def total(self) -> Money:
        """The price of the whole quantity."""
        return self.price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """The articles a customer has bought."""

    number: str
    customer: Customer
    lines: Sequence[Line]
    address: str
    placed: date
    shipping: Money = field(default=Money(450))
    discount: Money = field(default=Money(0))

    @property
    def subtotal(self) -> Money:
        """The price of all lines."""
        return sum((line.total for line in self.lines), Money(0))

    @property
    def total(self) -> Money:
        """The amount paid."""
        return self.subtotal + self.shipping + -self.discount


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order on its way."""

    order: Order
    carrier: str
    tracking_number: str
    tracking_url: str
    arrives: date
