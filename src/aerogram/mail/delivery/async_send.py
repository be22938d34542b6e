"""Sending from asyncio: the blocking functions run in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextvars import copy_context
from itertools import takewhile
from typing import Any, Final, ParamSpec, TypeVar

from aerogram.mail.delivery.cancellation import Cancellation, SendCancelled, current, is_cancelled

P = ParamSpec("P")
R = TypeVar("R")

THREAD_NAME: Final = "aerogram-send"
GRACE: Final = 1.0
"""How many seconds a cancelled task waits for its thread, which usually has the reply by then."""

carried_into_threads: Final[list[Callable[[], contextlib.AbstractContextManager[object]]]] = []
"""What integrations take from a task into the thread that sends for it.

Each is called in the task, and what it returns is entered in the thread.
"""


async def run_in_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function in a thread of its own, with the context of this task.

    If the task is cancelled while no content is being sent, the connection is closed and the message is
    ``deferred``. Otherwise the thread waits for the reply and records it, if need be after the task has ended
    and until the interpreter exits. No further message of a batch is sent.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[R] = loop.create_future()
    cancellation = Cancellation()
    context = copy_context()
    surroundings = [carry() for carry in carried_into_threads]
    context.run(current.set, cancellation)

    def settle(set_outcome: Callable[[Any], None], value: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(set_outcome, value)

    def work() -> None:
        try:
            with contextlib.ExitStack() as stack:
                for each in surroundings:
                    stack.enter_context(each)
                result = function(*args, **kwargs)
            settle(outcome.set_result, result)
        except BaseException as error:  # raised in the task, as if it had called the function itself
            settle(outcome.set_exception, error)

    threading.Thread(target=context.run, args=(work,), name=THREAD_NAME).start()
    try:
        return await asyncio.shield(outcome)
    except asyncio.CancelledError:
        cancellation.cancel()
        outcome.add_done_callback(asyncio.Future.exception)  # so that asyncio logs no unretrieved error
        await asyncio.wait({outcome}, timeout=GRACE)
        raise


async def wait_for_sends(timeout: float) -> None:
    """Wait until the sends of all tasks have ended, for at most ``timeout`` seconds."""
    await asyncio.sleep(0)  # a task that is new has no thread yet
    deadline = time.monotonic() + timeout
    for thread in threading.enumerate():
        if thread.name == THREAD_NAME:
            await asyncio.to_thread(thread.join, max(0.0, deadline - time.monotonic()))


def iterate_in_thread(items: Iterable[Any] | AsyncIterable[Any]) -> Iterator[Any]:
    """Return an iterator over items for the thread that sends, which ends if the send is cancelled.

    Call this where the event loop runs. An asynchronous item is requested only when the one before is being
    sent, so none is stored.
    """
    if not isinstance(items, Iterable):
        items = _pulled(aiter(items), asyncio.get_running_loop())
    return takewhile(lambda _: not is_cancelled(), items)


def _pulled(iterator: AsyncIterator[Any], loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    end = object()

    async def following() -> Any:
        return await anext(iterator, end)

    cancellation = current.get() or Cancellation()
    while True:
        coming = asyncio.run_coroutine_threadsafe(following(), loop)
        try:
            cancellation.register_abort(coming, coming.cancel)
            item = coming.result()
        except (CancelledError, SendCancelled):
            coming.cancel()
            return
        finally:
            cancellation.forget(coming)
        if item is end:
            return
        yield item
