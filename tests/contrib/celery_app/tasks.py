"""A Celery application as a project has it; its workers read their settings from the environment."""

import os
from pathlib import Path

from celery import Celery

import aerogram.contrib.celery
from aerogram import Notification, settings

aerogram.contrib.celery.SWEEP_SECONDS = float(os.environ.get("SWEEP", "0.5"))
settings.configure(TEMPLATE_DIRS=[str(Path(__file__).parent)])
app = Celery("shop", broker=os.environ.get("BROKER", "memory://"))
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)


class NewsForOne(Notification):
    """A mail to one of many."""

    subject = "News for {{ name }}"
    text_template = "news_for_one.txt"

    to: list[str]
    name: str
