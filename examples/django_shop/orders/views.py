"""The pages of the shop, without forms and templates."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from orders.models import Order
from orders.notifications import OrderReceived


@require_POST
@transaction.atomic
def place(request: HttpRequest) -> HttpResponse:
    """Store an order, and send the mail once the database has it."""
    given = {name: request.POST[name] for name in ("name", "email", "article")}
    order = Order.objects.create(**given, language=request.POST.get("language", "en"))
    transaction.on_commit(OrderReceived(order=order).send)
    return JsonResponse({"number": order.pk}, status=201)


def show(_request: HttpRequest, number: int) -> HttpResponse:
    """Show an order."""
    return JsonResponse({"article": get_object_or_404(Order, pk=number).article})


def broken(_request: HttpRequest) -> HttpResponse:
    """Fail, so that the administrators get a mail."""
    raise RuntimeError("this page is broken")
