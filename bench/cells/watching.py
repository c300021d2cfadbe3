"""From a child's start to its end: its progress, its output, its limits."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import Any, Literal

from bench.cells import limits
from bench.cells.child import WHERE_ARE_YOU
from bench.cells.starting import Child, LostError, end_group

OFTEN, SELDOM = 0.05, 0.25  # seconds between looks at a child, with and without a memory limit
# Seconds of silence after which a child that was asked where it is has said it; what eats memory has to be quick.
LAST_WORDS = {"timeout": 0.25, "memory": 0.02, "stopped": 0.0}
KILL_SECONDS = 15  # after which a killed process (stuck in a device, say) is left to the system
KEPT_BYTES = 65536  # of what a child printed
PIPE_BYTES = 65536

Why = Literal["exited", "timeout", "memory", "stopped", "lost", "stuck", "not started"]


@dataclass
class Ending:
    """How a child ended. ``why`` is "exited" unless it was we who ended it, or it was lost with the fork server.

    ``exit_code`` is below 0 where a signal killed it, ``held`` the most memory it was seen to hold (bytes, 0 where
    nobody looked), ``kernel_killed`` whether the kernel killed processes for want of memory at the time.
    """

    why: Why
    exit_code: int
    output: str
    n_printed: int
    held: int
    kernel_killed: bool


class Watch:
    """Follows one child, which prints to ``output`` and tells of its progress on ``events``."""

    def __init__(
        self,
        child: Child,
        output: int,
        events: int,
        timeout: float,
        memory_limit: int,
        hear: Callable[[str, Any], None],
    ):
        self.child, self.output, self.events, self.hear = child, output, events, hear
        self.deadline = monotonic() + timeout if timeout else float("inf")
        self.memory_limit = memory_limit if limits.can_be_watched() else 0
        self.oom_kills = limits.oom_kills()
        self.kept, self.n_printed, self.held = bytearray(), 0, 0
        self.half_line = b""
        self.ears = selectors.DefaultSelector()
        for descriptor in (output, events, *([] if child.descriptor is None else [child.descriptor])):
            os.set_blocking(descriptor, False)
            self.ears.register(descriptor, selectors.EVENT_READ)

    def follow(self, stopping: Event) -> Ending:
        """Watch until the child ends, or end it: beyond a limit, or when the run is stopping."""
        why: Why = "exited"
        try:
            while (code := self.child.poll()) is None:
                exceeded = self.exceeded(stopping)
                if exceeded:
                    why, code = exceeded, self.end(LAST_WORDS[exceeded])
                    break
                self.listen(self.patience())
        except LostError:
            end_group(self.child.pid)  # it was told to die with the server; what it started was not
            why, code = "lost", -signal.SIGKILL
        if code is None:
            why, code = "stuck", -signal.SIGKILL
        self.drain()
        kernel_killed = limits.oom_kills() > self.oom_kills
        return Ending(why, code, self.kept.decode(errors="replace"), self.n_printed, self.held, kernel_killed)

    def exceeded(self, stopping: Event) -> Why | None:
        """Why the child has to end now, None if it hasn't."""
        if stopping.is_set():
            return "stopped"
        if monotonic() > self.deadline:
            return "timeout"
        if self.memory_limit:
            held = limits.held_bytes(self.child.pid)
            self.held = max(self.held, held)
            if held > self.memory_limit:
                return "memory"
        return None

    def patience(self) -> float:
        """Seconds until the child has to be looked at again, whatever it says."""
        often = self.memory_limit or self.child.descriptor is None
        return max(0.0, min(OFTEN if often else SELDOM, self.deadline - monotonic()))

    def end(self, last_words: float) -> int | None:
        """Ask the child where it is, kill it and what it started; its exit code, None where it can't even be killed."""
        if last_words:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child.pid, WHERE_ARE_YOU)
            patience = monotonic() + 4 * last_words
            while self.listen(last_words) and monotonic() < patience:
                pass
        end_group(self.child.pid)
        patience = monotonic() + KILL_SECONDS
        while (code := self.child.poll()) is None and monotonic() < patience:
            self.listen(OFTEN)
        return code

    def listen(self, seconds: float) -> bool:
        """Take in what the child says within some time; False where it said nothing."""
        heard = False
        for key, _ in self.ears.select(seconds):
            if key.fd == self.child.descriptor:
                continue
            said = os.read(key.fd, PIPE_BYTES)
            heard = heard or bool(said)
            if not said:
                self.ears.unregister(key.fd)
            elif key.fd == self.output:
                self.n_printed += len(said)
                self.kept = (self.kept + said)[-KEPT_BYTES:]
            else:
                self.take_events(said)
        return heard

    def take_events(self, said: bytes) -> None:
        """Pass on each whole line of JSON; what a library wrote to the descriptor is no event."""
        *lines, self.half_line = (self.half_line + said).split(b"\n")
        self.half_line = self.half_line[-KEPT_BYTES:]
        for line in lines:
            with contextlib.suppress(ValueError, AttributeError):
                ((what, value),) = json.loads(line).items()
                self.hear(what, value)

    def drain(self) -> None:
        """Take in what is still in the pipes; a grandchild that escaped may hold them open and go on printing."""
        for _ in range(64):
            if not self.listen(0):
                break
        self.ears.close()
