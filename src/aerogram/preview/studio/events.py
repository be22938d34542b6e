"""What open pages are told of: a file has changed, a mail was caught."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any

import watchfiles

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

__all__ = ["Events"]

_BREATH = 15.0  # seconds between two signs of life, by which a closed page is noticed


class Events:
    """A stream of server-sent events for every open page.

    Args:
        folders: what to watch, asked when the first page opens.
        instance: what tells a page that the studio was started anew.
    """

    def __init__(self, folders: Callable[[], list[Path]], instance: str) -> None:
        self._folders = folders
        self._instance = instance
        self._pages: dict[asyncio.Queue[tuple[str, Any]], asyncio.AbstractEventLoop] = {}
        self._lock = threading.Lock()
        self._watching: asyncio.Task[None] | None = None

    def publish(self, event: str, data: Any = None) -> None:
        """Send an event to every open page; any thread may call it."""
        with self._lock:
            pages = list(self._pages.items())
        for queue, loop in pages:
            with contextlib.suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(queue.put_nowait, (event, data))

    async def stream(self) -> AsyncIterator[str]:
        """Yield the events of one page, from its opening to its end."""
        queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        with self._lock:
            self._pages[queue] = loop
        if self._watching is None or self._watching.done():
            self._watching = loop.create_task(self._watch())
        try:
            yield f"retry: 200\nevent: hello\ndata: {json.dumps(self._instance)}\n\n"
            while True:
                try:
                    event, data = await asyncio.wait_for(queue.get(), _BREATH)
                except TimeoutError:
                    yield ": still here\n\n"
                else:
                    yield f"event: {event}\ndata: {json.dumps(data)}\n\n"
        finally:
            with self._lock:
                del self._pages[queue]
                is_last = not self._pages
            if is_last and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    async def _watch(self) -> None:
        """Watch the folders; Python files are for the supervisor, which starts the studio anew."""
        folders = await asyncio.to_thread(self._folders)
        if not folders:
            return
        async for changes in watchfiles.awatch(*folders, debounce=200, step=30):
            if any(not path.endswith((".py", ".pyc")) for _, path in changes):
                self.publish("reload")
