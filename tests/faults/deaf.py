"""An address at which no connection ever comes about: whoever connects waits."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def deaf() -> Iterator[str]:
    """The base URL of a socket whose backlog is full: Linux drops what knocks then, and says nothing."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        address = listening.getsockname()
        for _ in range(8):
            knocking = stack.enter_context(socket.socket())
            knocking.settimeout(0.05)
            try:
                knocking.connect(address)
            except TimeoutError:
                break
        else:
            raise AssertionError("the backlog is never full here")
        yield f"http://127.0.0.1:{address[1]}"
