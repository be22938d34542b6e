"""The tests of the shop: ``python manage.py test``."""

from __future__ import annotations

from django.core import mail
from django.db import transaction
from django.test import TestCase, override_settings
from django.urls import reverse

from aerogram.mail import mail_admins
from aerogram.testing import MailTestMixin
from orders.models import Order
from orders.notifications import OrderReceived

ORDER = {"name": "Ann", "email": "ann@example.com", "article": "Coffee", "language": "de"}


class OrderTests(TestCase):
    """Django's outbox has the mail of both."""

    def test_mail_is_sent_when_the_order_is_stored(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            number = self.client.post(reverse("place"), ORDER).json()["number"]
            self.assertEqual(mail.outbox, [])
        (message,) = mail.outbox
        self.assertEqual(message.subject, f"Order {number}: Coffee")
        self.assertEqual(message.to, ["Ann <ann@example.com>"])
        self.assertIn(f"https://halyard.example/orders/{number}/", message.body)
        self.assertEqual(message.extra_headers["Content-Language"], "de")
        self.assertEqual(message.reply_to, ["E-Mail-Adresse <help@halyard.example>"])

    def test_mail_of_a_transaction_that_fails_is_not_sent(self) -> None:
        with self.captureOnCommitCallbacks(execute=True), self.assertRaises(ValueError), transaction.atomic():
            transaction.on_commit(OrderReceived(order=Order.objects.create(**ORDER)).send)
            raise ValueError
        self.assertEqual(mail.outbox, [])

    def test_the_host_of_the_request_is_in_no_link(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(reverse("place"), ORDER, headers={"host": "127.0.0.1"})
        self.assertNotIn("127.0.0.1", mail.outbox[0].body)

    def test_errors_are_mailed_to_the_administrators(self) -> None:
        self.client.raise_request_exception = False
        with override_settings(DEBUG=False):
            self.assertEqual(self.client.get(reverse("broken")).status_code, 500)
            mail_admins("Stock", "Low.")
        error, stock = mail.outbox
        self.assertIn("[Halyard] ERROR (EXTERNAL IP): Internal Server Error: /broken/", error.subject)
        self.assertIn("this page is broken", error.body)
        self.assertEqual(stock.subject, "[Halyard] Stock")
        self.assertEqual(stock.to, ["engineers@halyard.example"])


class ReadingTests(MailTestMixin, TestCase):
    """With the mixin, the messages are Aerogram's, and can be read."""

    def test_the_mail_names_the_customer(self) -> None:
        OrderReceived(order=Order.objects.create(**ORDER)).send()
        message = self.assertMailSent(OrderReceived, to="ann@example.com")
        self.assertTrue(message.sees("Ann, thank you"))
        self.assertEqual(message.notification.order.article, "Coffee")
