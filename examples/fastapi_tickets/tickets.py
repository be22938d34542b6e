"""A FastAPI application that mails the tickets which are booked, after it has answered.

``uvicorn tickets:app`` starts it, ``aerogram catch`` in another terminal shows the mails.
``pytest`` tests it. ``aerogram --app tickets preview --out previews`` renders the samples.
To book a ticket::

    curl http://127.0.0.1:8000/tickets --json '{"name": "Ann", "address": "ann@example.com", "seats": 2}'
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from mails import Booked
from pydantic import BaseModel, Field, HttpUrl, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from aerogram import Notification
from aerogram.contrib.fastapi import Aerogram
from aerogram.exceptions import InvalidAddress


class Config(BaseSettings):
    """The configuration, which variables such as ``TICKETS_MAIL_EMAIL_URL`` change."""

    model_config = SettingsConfigDict(env_prefix="TICKETS_")

    title: str = "The Night of the Cellos"
    mail_email_url: SecretStr = SecretStr("smtp://127.0.0.1:1025")
    mail_default_from_email: str = "Box office <tickets@example.com>"
    mail_site_name: str = "Box office"
    mail_base_url: HttpUrl = HttpUrl("http://127.0.0.1:8000")


class Order(BaseModel):
    """What is booked."""

    name: str
    address: str
    seats: int = Field(ge=1, le=8)


config = Config()
templates = Jinja2Templates(Path(__file__).with_name("templates"))
templates.env.filters["counted"] = lambda number, word: f"{number} {word}{'' if number == 1 else 's'}"

app = FastAPI(title=config.title)
Aerogram(app, config, prefix="mail_", templates=templates)
booked: dict[str, Order] = {}


def after_the_answer(tasks: BackgroundTasks) -> Callable[[Notification], None]:
    """Return a function that renders a mail now, where errors still reach the client, and sends it later."""

    def send(mail: Notification) -> None:
        tasks.add_task(mail.render().asend)

    return send


Sender = Annotated[Callable[[Notification], None], Depends(after_the_answer)]


@app.post("/tickets", status_code=202)
async def book(order: Order, send: Sender) -> dict[str, str]:
    """Book seats, and mail the ticket."""
    number = secrets.token_hex(4)
    try:
        send(Booked(to=[(order.name, order.address)], number=number, seats=order.seats, title=config.title))
    except InvalidAddress as error:
        raise HTTPException(422, str(error)) from None
    booked[number] = order
    return {"number": number}


@app.get("/tickets/{number}", response_class=HTMLResponse)
async def ticket(request: Request, number: str) -> HTMLResponse:
    """Show a ticket."""
    if number not in booked:
        raise HTTPException(404)
    variables = {"number": number, "order": booked[number], "title": config.title}
    return templates.TemplateResponse(request, "ticket.html", variables)
