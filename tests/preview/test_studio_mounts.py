"""The studio inside of applications, as ``docs/studio.md`` mounts it, served by real servers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[2] / "docs" / "studio.md").read_text()
MAILS = """
from aerogram import Notification

class Shipped(Notification):
    subject = "Order {{ number }}"
    text_template = "shipped.txt"
    to = ["ann@example.com"]
    from_email = "shop@example.com"
    number: str = "2041"

    @classmethod
    def samples(cls):
        return {"one parcel": cls()}
"""
BEFORE = {
    "django": "import django.conf\n"
    "django.conf.settings.configure(ALLOWED_HOSTS=['*'], ROOT_URLCONF=__name__, SECRET_KEY='x')\n"
    "urlpatterns = []\n",
    "flask": "",
}
AFTER = {
    "django": "import sys, uvicorn\n"
    "uvicorn.run(application, port=int(sys.argv[1]), log_level='error', lifespan='off')\n",
    "flask": "import sys\napp.run(port=int(sys.argv[1]), threaded=True)\n",
}


@pytest.mark.parametrize("framework", ["django", "flask"])
def test_it_mounts_as_documented(framework: str, tmp_path: Path, free_port: Callable[[], int]) -> None:
    pytest.importorskip(framework)
    if framework == "flask":
        pytest.importorskip("a2wsgi")
    (block,) = [
        each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if f"from {framework}" in each
    ]
    (tmp_path / "serve.py").write_text(BEFORE[framework] + block + AFTER[framework])
    (tmp_path / "mails.py").write_text(MAILS)
    (tmp_path / "shipped.txt").write_text("Number {{ number }}\n")
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "serve.py", str(port)],
        cwd=tmp_path,
        env={
            **os.environ,
            "AEROGRAM_NOTIFICATION_MODULES": '["mails"]',
            "AEROGRAM_TEMPLATE_DIRS": f'["{tmp_path}"]',
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            page = _when_it_answers(client, server)
            assert page.status_code == 200
            assert not re.search(r'(?:href|src)="/', page.text)
            assert client.get("/mail/api/notifications").json() == [
                {"name": "shipped", "samples": ["one parcel"]}
            ]
            assert "Number 2041" in client.get("/mail/n/shipped/one parcel/text").text
            edited = client.get("/mail/n/shipped/one-parcel/text", params={"edit": '{"number": "7"}'})
            assert "Number 7" in edited.text
            assert client.get("/mail/n/shipped/nope/text").status_code == 404
            assert client.get("/mail/", headers={"Host": "evil.example"}).status_code == 403
            assert client.post("/mail/studio/send", json={}).status_code == 403
            with client.stream("GET", "/mail/studio/events") as events:
                assert "event: hello" in next(events.iter_text())
            assert client.get("/elsewhere").status_code == 404
    finally:
        server.kill()
        server.wait()


def _when_it_answers(client: httpx2.Client, server: subprocess.Popen[bytes]) -> httpx2.Response:
    until = time.monotonic() + 60
    while True:
        try:
            return client.get("/mail/")
        except httpx2.ConnectError:
            assert server.poll() is None, "the server has ended"
            assert time.monotonic() < until
            time.sleep(0.05)
