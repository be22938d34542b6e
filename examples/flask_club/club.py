"""A Flask application whose members sign in by a link that is mailed to them.

``flask --app club run`` starts it, ``aerogram catch`` in another terminal shows the mails.
``pytest`` tests it, and ``flask --app club aerogram preview --out previews`` renders the samples.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, current_app, render_template, request
from itsdangerous import BadData, URLSafeTimedSerializer
from mails import SignInLink

from aerogram.contrib.flask import Aerogram

MINUTES = 30
MEMBERS = {"ann@example.com": "Ann Öberg", "bo@example.com": "Bo"}

mail = Aerogram()
club = Blueprint("club", __name__)


def create_app(**config: Any) -> Flask:
    """Return the application; ``config`` and variables ``FLASK_AEROGRAM_<NAME>`` change its configuration."""
    app = Flask(__name__)
    app.config.from_mapping(
        SECRET_KEY="change me",  # noqa: S106 - of an example
        AEROGRAM_EMAIL_URL="smtp://127.0.0.1:1025",
        AEROGRAM_DEFAULT_FROM_EMAIL="The Club <club@example.com>",
        AEROGRAM_SITE_NAME="The Club",
        AEROGRAM_BASE_URL="http://127.0.0.1:5000",
    )
    app.config.from_prefixed_env()
    app.config.update(config)
    app.add_template_filter(hours_or_minutes)
    app.register_blueprint(club)
    mail.init_app(app)
    return app


def hours_or_minutes(minutes: int) -> str:
    """Return a span of time as the pages and the mails write it.

    >>> hours_or_minutes(30), hours_or_minutes(120)
    ('30 minutes', '2 hours')
    """
    return f"{minutes // 60} hours" if minutes >= 120 else f"{minutes} minutes"


def tokens() -> URLSafeTimedSerializer:
    """Return what signs addresses, so that nobody can make a link himself."""
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="sign in")


@club.route("/")
def start() -> str:
    """Show the form."""
    return render_template("start.html", minutes=MINUTES)


@club.post("/links")
def send_link() -> str:
    """Mail a link to a member. The answer is the same for others, so it says nothing about who is one."""
    address = request.form["address"].strip().lower()
    if name := MEMBERS.get(address):
        SignInLink(to=[(name, address)], name=name, token=tokens().dumps(address), minutes=MINUTES).send()
    return render_template("start.html", minutes=MINUTES, asked=True)


@club.route("/sign-in/<token>")
def sign_in(token: str) -> tuple[str, int]:
    """Greet the member whom the link was mailed to."""
    try:
        address = tokens().loads(token, max_age=MINUTES * 60)
    except BadData:
        return "This link is no longer valid.", 403
    return f"Hello {MEMBERS[address]}!", 200
