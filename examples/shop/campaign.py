"""A mail with faults on purpose, for the tour of the studio (docs/studio.md): which do you find?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from notifications import ANN, ShopMail


class SummerSale(ShopMail):
    """Sent once to every customer. It has a link that leads nowhere, and more."""

    category = "bulk"
    subject = "SUMMER SALE"
    html_template = "shop/summer_sale.html"

    percent: int = 20

    @classmethod
    def samples(cls) -> Mapping[str, Self]:
        """Return one sale."""
        return {"twenty percent": cls(customer=ANN)}
