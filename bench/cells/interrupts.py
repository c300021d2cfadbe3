"""Ctrl-C asks a run to finish what is running, a second one to stop; SIGTERM is like the second."""

from __future__ import annotations

import signal
import threading
from typing import Any


class Interrupts:
    """While it is open: how interrupts reach the main thread.

    ``patient`` is set while cells run. A first SIGINT is then only counted in ``seen``; a second one, one at another
    time and SIGTERM raise KeyboardInterrupt. A handler that somebody else installed is left in place, and so is
    everything in another thread than the main one.
    """

    def __init__(self) -> None:
        self.patient = False
        self.seen = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
        if threading.current_thread() is threading.main_thread():
            for number, handler in usual.items():
                if signal.getsignal(number) == handler:
                    self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: Any) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: Any) -> None:
        self.seen += 1
        if number == signal.SIGTERM or self.seen > 1 or not self.patient:
            raise KeyboardInterrupt
