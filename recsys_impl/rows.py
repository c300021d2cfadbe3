"""Arrays whose rows don't share cache lines.

Threads that write to neighbouring rows of an ordinary array, or to neighbouring biases, take the same cache lines from
each other again and again: BPR on two threads took as long as on one. Processors fetch lines in pairs, so a row is a
whole number of pairs; rows of whole lines left a third of the loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PAIR = 32  # float32 numbers in two cache lines of 64 bytes


def separate_rows(n: int, width: int) -> NDArray[np.float32]:
    """Zeros of float32 (n, width rounded up to whole pairs of cache lines), C-ordered, beginning at a pair."""
    stride = -(-width // PAIR) * PAIR
    buffer = np.zeros(n * stride + PAIR, np.float32)
    offset = (-buffer.ctypes.data // buffer.itemsize) % PAIR
    return buffer[offset : offset + n * stride].reshape(n, stride)
