"""An order."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """What one customer has ordered."""

    name = models.CharField(max_length=100)
    email = models.EmailField()
    article = models.CharField(max_length=100)
    language = models.CharField(max_length=10, default="en")
    placed = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.article} for {self.name}"

    def __email__(self) -> tuple[str, str]:
        """Return the mailbox of the customer: an order can stand wherever one is accepted."""
        return self.name, self.email
