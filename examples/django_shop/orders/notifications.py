"""The mails about orders. Aerogram finds this module because it is called ``notifications``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from django.utils.translation import gettext_lazy as _

from aerogram import Notification
from orders.models import Order


class OrderReceived(Notification):
    """Thanks the customer for an order, in the language of the customer."""

    subject = "Order {{ order.pk }}: {{ order.article }}"
    html_template = "orders/received.html"
    reply_to = [(_("Email address"), "help@halyard.example")]

    order: Order

    @property
    def to(self) -> list[Any]:
        """The customer."""
        return [self.order]

    @property
    def locale(self) -> str:
        """The language of the customer, whatever that of the request is."""
        return self.order.language

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return an order that is not in the database: the system checks run before there is one."""
        placed = datetime(2026, 5, 13, 9, 30, tzinfo=UTC)
        order = Order(pk=7, name="Ann Lindqvist", email="ann@example.com", article="Coffee", placed=placed)
        return {"a bag of coffee": cls(order=order)}
