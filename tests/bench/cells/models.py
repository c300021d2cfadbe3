"""Models that do what no model should, one a class. The tests give this file to the bench as a plug-in."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np


class Good:
    """Popularity."""

    def fit(self, user_items):
        self.counts = np.asarray(user_items.sum(axis=0), dtype=np.float32).ravel()
        return self

    def score(self, user_ids):
        return self.counts[None, :].repeat(len(user_ids), axis=0)


class Raises(Good):
    def fit(self, user_items):
        raise RuntimeError("no luck")


class Crashes(Good):
    def fit(self, user_items):
        print("last words", flush=True)
        ctypes.string_at(0)


class Aborts(Good):
    def fit(self, user_items):
        os.abort()


class AbortsForMemory(Good):
    """As a C++ library does."""

    def fit(self, user_items):
        print("terminate called after throwing an instance of 'std::bad_alloc'", flush=True)
        os.abort()


class Loops(Good):
    def fit(self, user_items):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            pass


class Blocks(Good):
    """In native code, with the interpreter's lock held."""

    def fit(self, user_items):
        ctypes.PyDLL(None).sleep(1000)


class Eats(Good):
    """Little by little: only who looks sees it."""

    def fit(self, user_items):
        self.eaten = []
        while True:
            self.eaten.append(np.ones(2**19))
            time.sleep(0.001)


class AsksForMuch(Good):
    def fit(self, user_items):
        self.eaten = np.ones(2**36)


class EatsInChildren(Good):
    def fit(self, user_items):
        words = "import time; eaten = b'x' * 150_000_000; time.sleep(1000)"
        for _ in range(4):
            subprocess.Popen([sys.executable, "-c", words])
        time.sleep(1000)


class PrintsMuch(Good):
    def fit(self, user_items):
        for number in range(1_000_000):
            print("line", number)
        os.write(1, b"the end\n")
        raise RuntimeError("after all that")


class Exits(Good):
    def fit(self, user_items):
        sys.exit(0)


class ExitsAtOnce(Good):
    def fit(self, user_items):
        print("gone", flush=True)
        os._exit(0)


class LeavesChildren(Good):
    """One in its own session, one that is printing for ever."""

    def fit(self, user_items):
        loop = "import time\nwhile True: print('still here', flush=True); time.sleep(0.05)"
        one = subprocess.Popen([sys.executable, "-c", loop])
        other = subprocess.Popen([sys.executable, "-c", loop], start_new_session=True)
        with open(os.environ["LEFT_BEHIND"], "w") as stream:
            print(one.pid, other.pid, file=stream)
        return super().fit(user_items)


class LeavesThread(Good):
    def fit(self, user_items):
        threading.Thread(target=time.sleep, args=(1000,)).start()
        return super().fit(user_items)


class ClosesDescriptors(Good):
    def fit(self, user_items):
        os.closerange(0, 1000)
        return super().fit(user_items)


class Forks(Good):
    """Comes back twice."""

    def fit(self, user_items):
        if os.fork() == 0:
            time.sleep(0.05)
        return super().fit(user_items)


class KillsItself(Good):
    def fit(self, user_items):
        os.kill(os.getpid(), signal.SIGKILL)


class KillsParent(Good):
    def fit(self, user_items):
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(1000)


class Sleeps(Good):
    def fit(self, user_items):
        time.sleep(3)
        return super().fit(user_items)


class Unprintable(Good):
    def fit(self, user_items):
        class Odd(Exception):
            def __str__(self):
                raise ValueError("no text")

        raise Odd


MODELS = {model.__name__: model for model in list(globals().values()) if isinstance(model, type)}
