"""From how a child ended to the status and the text of its row."""

import signal

import pytest

from bench.cells.running import explain
from bench.cells.watching import Ending

GIB = 2**30


@pytest.fixture
def told(job):
    def tell(why="exited", code=0, output="", n_printed=None, held=0, kernel_killed=False, **limits):
        n_printed = len(output) if n_printed is None else n_printed
        return explain(Ending(why, code, output, n_printed, held, kernel_killed), job("Good", **limits))

    return tell


def test_a_kill_is_for_want_of_memory_where_the_kernel_or_the_limit_says_so(told):
    kill = -signal.SIGKILL
    assert told(code=kill)[0] == "failed"
    assert told(code=kill, kernel_killed=True) == (
        "out-of-memory",
        "the cell's process died: killed by SIGKILL, by the kernel, for want of memory",
    )
    assert told(code=kill, held=GIB, memory_limit=2 * GIB)[0] == "failed"
    status, text = told(code=kill, held=int(1.95 * GIB), memory_limit=2 * GIB)
    assert status == "out-of-memory"
    assert "last seen with 1.95 GiB, the limit is 2.00 GiB" in text


def test_another_signal_is_not_for_want_of_memory_even_then(told):
    assert told(code=-signal.SIGSEGV, kernel_killed=True)[0] == "failed"


def test_limits_are_named_with_their_options(told):
    assert told("timeout", -9, timeout=1.5) == ("timeout", "ended after 1.5 seconds, the limit (--timeout)")
    assert "limit is 2.00 GiB (--memory-limit)" in told("memory", -9, held=3 * GIB, memory_limit=2 * GIB)[1]


def test_the_end_of_the_output_follows_without_the_list_of_modules(told):
    output = "begin\n" + "x" * 9000 + "\nExtension modules: " + "numpy, " * 1000 + "\nthe end\n"
    _, text = told(code=1, output=output, n_printed=1_000_000)
    assert text.startswith("the cell's process died: exit status 1\n\n[the end of 1,000,000 bytes that it printed]\n")
    assert text.endswith("xxx\nthe end")
    assert "Extension modules" not in text
    assert len(text) < 4200
