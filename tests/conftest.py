"""What every test may ask for: isolation, programs, ports, certificates, a browser.

Isolation comes by itself: no ``AEROGRAM_*`` variable of the developer's shell reaches a test, and what a test
configures or sends to the locmem outbox is forgotten when it ends. The rest are fixtures to name.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import socket
import ssl
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import trustme
    from playwright.sync_api import Browser, Page, Route

# Set by .ci/run, which installs every program first. Without the AEROGRAM_ prefix, so that it is no setting.
PROGRAMS_ARE_REQUIRED = os.environ.get("REQUIRE_PROGRAMS", "") not in ("", "0")

# A busy machine is no reason to fail: no deadline an example, no complaint about slow data. In CI the
# examples are the same each time, so that a red run means a changed program. With PROPERTY_EXAMPLES=10000 the
# properties that name no number of their own are run as docs/mail.md tells.
hypothesis.settings.register_profile(
    "aerogram",
    max_examples=int(os.environ.get("PROPERTY_EXAMPLES", "50")),
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
hypothesis.settings.load_profile("aerogram")

# They begin first, so that no process of pytest-xdist ends long after the others.
LONGEST_FILES = [
    "test_worker_processes",
    "test_studio_browser",
    "test_docs",
    "test_plaintext",
    "test_queueing",
    "test_browser",
    "test_gallery",
    "test_inlining_cascade",
    "test_typing",
    "test_worker",
    "test_templates",
    "test_stencil",
    "test_celery",
    "test_examples",
    "test_cli",
    "test_document",
    "test_inlining_hostile",
    "test_checks_silent",
    "test_random_documents",
    "test_localization",
    "test_database",
    "test_studio",
    "test_entries",
    "test_django",
    "test_plugin",
]

# The headless shell takes half the processor time of the whole browser.
CHROMIUM = ("chromium-headless-shell", "chromium")
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_configure() -> None:
    """Forget the settings of whoever started the tests."""
    for name in [name for name in os.environ if name.startswith("AEROGRAM_")]:
        del os.environ[name]


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return three for two cores: many a test waits for a disk, a browser or a program."""
    return (3 * (os.cpu_count() or 1) + 1) // 2


def pytest_collection() -> None:
    """Look for no garbage while the tests are collected: all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Let the garbage collector leave the tests out, which it would look at again and again."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    places = {name: place for place, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session", autouse=True)
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """No test finds, or fills, the outbox of whoever started the tests."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(autouse=True)
def no_stencil_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the tests a mistake in making a stencil is raised, not replaced by the slow way."""
    from aerogram import stencil

    monkeypatch.setattr(stencil, "_compile", stencil.compile_stencil)


@pytest.fixture
def stencils_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the stencil of a shape when it comes for the first time."""
    from aerogram import stencil

    monkeypatch.setattr(stencil, "_DIFFERS", re.compile(""))


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """Each test starts and ends with default settings and without an outbox.

    Looks modules up instead of importing them: a test that uses neither must not load them.
    """
    forget_state()
    yield
    forget_state()


def forget_state() -> None:
    """Drop what `settings.configure` set, what locmem collected, and what was learnt about servers."""
    if (conf := sys.modules.get("aerogram.conf")) is not None:
        conf.settings.reset()
    if (mail := sys.modules.get("aerogram.mail")) is not None:
        vars(mail).pop("outbox", None)
    if (pipelining := sys.modules.get("aerogram.mail.smtp.capabilities")) is not None:
        pipelining.ContentPipelining._servers.clear()  # a port is used again by another test


def unavailable(reason: str) -> None:
    """Skip the test with this reason; fail it where everything must be there (``REQUIRE_PROGRAMS=1``)."""
    if PROGRAMS_ARE_REQUIRED:
        pytest.fail(f"{reason}, and REQUIRE_PROGRAMS is set", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def needs() -> Callable[[bool, str], None]:
    """``needs(os.geteuid() == 0, "only root can start Postfix")`` skips; fails under REQUIRE_PROGRAMS."""

    def check(available: bool, reason: str) -> None:
        if not available:
            unavailable(reason)

    return check


@pytest.fixture(scope="session")
def needs_program() -> Callable[..., str]:
    """``needs_program("openssl")`` gives its path, or skips the test; fails it under REQUIRE_PROGRAMS.

    Of several names, the first one that is installed counts.
    """

    def find(*names: str) -> str:
        for name in names:
            # Debian keeps servers in sbin, which is on root's PATH alone.
            path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")
            if path is not None:
                return path
        unavailable(f"the program {names[0]} is not installed")
        raise AssertionError("the test has ended above")

    return find


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """``free_port()`` gives a loopback port that nothing listens on, another one each time."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port: int = probe.getsockname()[1]
            if port not in given:
                given.add(port)
                return port

    return find


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """This run's certificate authority: ``ca.issue_cert("localhost")``, ``ca.configure_trust(context)``."""
    import trustme

    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority's certificate as a PEM file, for what wants a path (``SSL_CERT_FILE``, ``cafile=``)."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture(scope="session")
def server_tls(ca: trustme.CA) -> ssl.SSLContext:
    """What a test server presents: a certificate of `ca` for localhost and 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def browser(needs_program: Callable[..., str]) -> Iterator[Browser]:
    """Chromium without a window.

    For one module at a time: while it lives, the thread has a running event loop, and no ``async`` test can
    run beside it. Keep browser tests in modules of their own.
    """
    from playwright.sync_api import sync_playwright

    executable = needs_program(*CHROMIUM)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable, headless=True, args=CHROMIUM_ARGUMENTS
        )
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh tab that reaches files and loopback alone; the icon that browsers ask for is a 204."""
    with local_tab(browser) as tab:
        yield tab


@pytest.fixture(scope="module")
def shared_page(browser: Browser) -> Iterator[Page]:
    """One tab for a module whose tests only look at documents, each of which sets the view it needs."""
    with local_tab(browser) as tab:
        yield tab


@contextmanager
def local_tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    tab = context.new_page()
    tab.route("**/*", keep_local)
    yield tab
    context.close()


def keep_local(route: Route) -> None:
    """Let a request pass to this machine only."""
    url = route.request.url
    if url.endswith("/favicon.ico"):
        route.fulfill(status=204)
    elif url.startswith(("file:", "data:", "blob:", "about:", "http://127.0.0.1:", "http://localhost:")):
        route.continue_()
    else:
        route.abort()
