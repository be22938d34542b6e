"""Sending without blocking the event loop: the awaitable twins run in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextvars import copy_context
from typing import Any, Final, ParamSpec, TypeVar

from aerogram.mail.delivery.cancellation import Cancellation, current

__all__ = ["GRACE", "items_of", "run_in_thread"]

P = ParamSpec("P")
R = TypeVar("R")

GRACE: Final = 1.0
"""Seconds a cancelled task waits for its thread, which most often has the server's answer by then."""


async def run_in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call ``function`` in a thread of its own, with the context of this task, and await what it returns.

    When the task is cancelled, the send is broken off if nothing of a content has left: the connection is
    closed, the message's report says ``deferred``. Otherwise the thread goes on to the server's answer and
    puts it into the report, if need be after the task has ended; the interpreter waits for it at exit. No
    further message of a batch is begun.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[R] = loop.create_future()
    cancellation = Cancellation()
    context = copy_context()
    context.run(current.set, cancellation)

    def work() -> None:
        try:
            result = function(*args, **kwargs)
        except BaseException as error:  # the task's, as if it had called the function itself
            _tell(loop, outcome.set_exception, error)
        else:
            _tell(loop, outcome.set_result, result)

    threading.Thread(target=context.run, args=(work,), name="aerogram-send").start()
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        cancellation.wish()
        outcome.add_done_callback(asyncio.Future.exception)  # nobody else will ask for it
        await asyncio.wait({outcome}, timeout=GRACE)
        raise


def _tell(loop: asyncio.AbstractEventLoop, settle: Callable[[Any], None], value: Any) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed before: nobody waits any more
        loop.call_soon_threadsafe(settle, value)


def items_of(items: Iterable[Any] | AsyncIterable[Any]) -> Iterator[Any]:
    """Iterate in a thread over items that may come from the event loop, until the send is cancelled.

    Call it where the loop runs, iterate where the send runs. An asynchronous item is asked for when the one
    before is under way, so none is stored.
    """
    return _wanted(items if isinstance(items, Iterable) else _pulled(items))


def _wanted(items: Iterable[Any]) -> Iterator[Any]:
    cancellation = current.get()
    for item in items:
        if cancellation is not None and cancellation.wished:
            return
        yield item


def _pulled(items: AsyncIterable[Any]) -> Iterator[Any]:
    loop = asyncio.get_running_loop()
    iterator = aiter(items)
    end = object()

    async def following() -> Any:
        return await anext(iterator, end)

    def pull() -> Iterator[Any]:
        cancellation = current.get() or Cancellation()
        while True:
            coming = asyncio.run_coroutine_threadsafe(following(), loop)
            with contextlib.suppress(OSError):  # cancelled before: then it is cancelled below
                cancellation.breakable(coming, coming.cancel)
            if cancellation.wished:
                coming.cancel()
            try:
                item = coming.result()
            except CancelledError:
                return
            finally:
                cancellation.forget(coming)
            if item is end:
                return
            yield item

    return pull()
