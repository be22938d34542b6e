from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aerogram import AdminNotification, Notification, registry
from aerogram.conf import settings
from aerogram.exceptions import ImproperlyConfigured, NotificationNotFound

MODULE = """
from aerogram import Notification

class {name}(Notification):
    subject = "x"
    text_template = "x.txt"
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "registry_app.py").write_text(MODULE.format(name="RegistryLoaded"))
    (tmp_path / "registry_bad.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "registry_app"
    sys.modules.pop("registry_app", None)


def test_loaded_modules_fill_the_registry(module: str) -> None:
    registry.load([module])
    found = registry.get("registry_loaded")
    assert found.__name__ == "RegistryLoaded"
    assert found in registry.all_notifications()


def test_without_arguments_the_setting_says_what_to_load(module: str) -> None:
    with settings.override(NOTIFICATION_MODULES=[module]):
        registry.load()
    assert registry.get("registry_loaded")


def test_a_module_that_is_not_there_is_named(module: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="no module 'nowhere_at_all'"):
        registry.load(["nowhere_at_all"])
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        registry.load(["registry_bad"])


def test_bases_and_built_ins_are_not_listed_and_the_rest_is_sorted() -> None:
    class Zebra(Notification, name="registry_z"):
        text_template = "x.txt"

    class House(Notification, name="registry_house"):
        from_email = "a@example.com"

    class Apple(House, name="registry_a"):
        text_template = "x.txt"

    class Said(Notification, name="registry_abstract", abstract=True):
        text_template = "x.txt"

    class Alarm(AdminNotification, name="registry_alarm"):
        subject = "x"

    listed = registry.all_notifications()
    ours = [cls for cls in listed if cls in {Zebra, House, Apple, Said, Alarm, AdminNotification}]
    assert ours == [Apple, Alarm, Zebra]


def test_an_unknown_name_shows_the_nearest() -> None:
    class Nearby(Notification, name="registry_order_shipped"):
        text_template = "x.txt"

    with pytest.raises(NotificationNotFound, match="registry_order_shipped"):
        registry.get("registry_order_shiped")
    assert registry.get("registry_order_shipped") is Nearby
