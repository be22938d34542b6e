"""The settings of the project. Aerogram reads those for mail and ``AEROGRAM``."""

from __future__ import annotations

from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent

SECRET_KEY = "for development only"  # noqa: S105 - it protects nothing
DEBUG = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
ROOT_URLCONF = "config.urls"
INSTALLED_APPS = ["aerogram.contrib.django", "orders"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware", "django.middleware.locale.LocaleMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "shop.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en"
TIME_ZONE = "Europe/Berlin"

# Django's own mail, such as that of a password reset, goes through Aerogram, too.
EMAIL_BACKEND = "aerogram.contrib.django.EmailBackend"
DEFAULT_FROM_EMAIL = "Halyard Coffee <orders@halyard.example>"
SERVER_EMAIL = "shop@halyard.example"
ADMINS = [("Shop engineers", "engineers@halyard.example")]
EMAIL_SUBJECT_PREFIX = "[Halyard] "

AEROGRAM = {
    "EMAIL_URL": "console:",  # in production "smtp://user:password@mail.example.com:587?tls=starttls"
    "SITE_NAME": "Halyard Coffee",
    "BASE_URL": "https://halyard.example",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"admins": {"class": "django.utils.log.AdminEmailHandler", "level": "ERROR"}},
    "loggers": {"django.request": {"handlers": ["admins"], "level": "ERROR", "propagate": False}},
}
