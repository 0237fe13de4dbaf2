"""From one event loop to a reader anywhere: the items of a stream, with back-pressure."""

import threading
from collections import deque
from concurrent.futures import Future
from typing import Generic, TypeVar

from adapter.loop_thread import result_of

T = TypeVar("T")

AHEAD = 16  # items that may wait for the reader


class EndOfChannel(Exception):
    """There are no more items."""


class Channel(Generic[T]):
    """Passes items on in order, from one writer on an event loop to a reader in any thread or loop.

    At most `ahead` items wait for the reader; then the writer waits.
    """

    def __init__(self, ahead: int = AHEAD) -> None:
        self._ahead = ahead
        # Reentrant: collecting a reader's garbage may end a channel in the middle of anything.
        self._lock = threading.RLock()
        self._items: deque[T] = deque()
        self._readers: deque[Future[T]] = deque()
        self._room: Future[None] | None = None
        self._ended = False
        self._error: BaseException | None = None

    @property
    def ended(self) -> bool:
        """Whether the writer has said the end; items may still wait."""
        return self._ended

    async def put(self, item: T) -> None:
        """Pass an item on, as soon as there is room for it. After the end it is dropped."""
        while (room := self._put(item)) is not None:
            await result_of(room)

    def _put(self, item: T) -> Future[None] | None:
        """Pass an item on; where there is no room, return a future that tells when to try again."""
        with self._lock:
            if self._ended:
                return None
            while self._readers:
                reader = self._readers.popleft()
                if reader.set_running_or_notify_cancel():
                    reader.set_result(item)
                    return None
            if len(self._items) < self._ahead:
                self._items.append(item)
                return None
            self._room = Future()
            return self._room

    def end(self, error: BaseException | None = None, *, at_once: bool = False) -> None:
        """Say that nothing follows; the reader gets `error`, if there is one, after the last item.

        `at_once` drops the items that still wait. What is said after the end changes nothing.
        """
        with self._lock:
            if self._ended:
                return
            self._ended = True
            self._error = error
            if at_once:
                self._items.clear()
            while self._readers:
                reader = self._readers.popleft()
                if reader.set_running_or_notify_cancel():
                    reader.set_exception(self._take_error())
            self._make_room()  # a writer that waits for it would wait for ever

    async def get(self) -> T:
        """Wait for the next item. Raises `EndOfChannel` after the last, or the writer's error."""
        return await result_of(self._take())

    def get_blocking(self) -> T:
        """Wait as `get` does, in a thread without an event loop."""
        return self._take().result()

    def _take(self) -> Future[T]:
        item: Future[T] = Future()
        with self._lock:
            if self._items:
                item.set_result(self._items.popleft())
                self._make_room()
            elif self._ended:
                item.set_exception(self._take_error())
            else:
                self._readers.append(item)
        return item

    def _take_error(self) -> BaseException:
        error, self._error = self._error, None
        return error or EndOfChannel()

    def _make_room(self) -> None:
        room, self._room = self._room, None
        if room is not None and room.set_running_or_notify_cancel():
            room.set_result(None)
