"""One model's search in Optuna: seeded proposals, pruning, and a storage that a stopped search goes on from.

Akiba et al., "Optuna: a next-generation hyperparameter optimization framework", KDD 2019. The sampler is the
tree-structured Parzen estimator (Bergstra et al., NIPS 2011).
"""

from __future__ import annotations

import errno
import fcntl
import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from bench.tuning.space import Choice, Range, Space
from bench.tuning.trial import Trial
from reports.opening import open_regular

STARTUP_TRIALS = 10  # at random, before the sampler models anything and before anything is pruned
NUMBER, INTERRUPTED, SECONDS, ERROR = "number", "interrupted", "seconds", "error"
DEFAULTS, WASTED = "defaults", "wasted"
NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)  # a disk without locks: nobody can be told of


class MissingOptunaError(ValueError):
    """Optuna isn't installed."""


def optuna() -> Any:
    """The library, silent."""
    try:
        import optuna as library
    except ModuleNotFoundError as error:
        raise MissingOptunaError("optuna isn't installed: pip install 'recsys-bench[tune]'") from error
    library.logging.set_verbosity(library.logging.ERROR)
    return library


class JournalError(ValueError):
    """A file of trials can't be read; the message names it, the line, and what to do."""


class BusyError(ValueError):
    """Another process searches with the same file of trials."""


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Nobody else searches with this file of trials meanwhile: who opens it takes trials under way for lost ones.

    Raises
    ------
    BusyError
        Somebody does.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with open(file.with_name(f".{file.name}.lock"), "wb") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                f"{file}: another `tune` is searching there: wait for it, use --jobs for trials side by side, or "
                "another --out"
            ) from error
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        yield


def open_storage(file: Path) -> Any:
    """An Optuna journal in a file, made where there is none.

    Raises
    ------
    JournalError
        The file was cut off or edited. Optuna takes a last line that is broken, and fails after the next one.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    journal = optuna().storages.journal
    _check_journal(file)
    try:
        return journal.JournalStorage(journal.JournalFileBackend(str(file)))
    except (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise JournalError(f"{file}: its lines are no search's ({error!r}): {_ANEW}") from error


_ANEW = "delete the file, and the search begins anew"


def _check_journal(file: Path) -> None:
    """That every line is a whole JSON object."""
    if not file.exists():
        return
    try:
        with open_regular(file) as stream:
            for number, line in enumerate(stream, 1):
                if not _is_entry(line):
                    raise JournalError(
                        f"{file}: line {number} is cut off or no line of a journal: take it out, or {_ANEW}"
                    )
    except OSError as error:
        raise JournalError(f"{file}: can't be read: {error}; {_ANEW}") from error


def _is_entry(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


class Study:
    """The trials of one model.

    The proposal of trial n is drawn by a sampler whose seed is derived from (seed, n), from the trials before it. A
    search of one job that is stopped and taken up again therefore proposes what it would have without a stop: a trial
    that was under way then is proposed again under its old number.
    """

    def __init__(
        self, storage: Any, name: str, space: Space, higher_is_better: bool, seed: int, identity: Mapping[str, Any]
    ):
        library = optuna()
        self.space = space
        self.seed = seed
        self.higher_is_better = higher_is_better
        self._study = library.create_study(
            storage=storage,
            study_name=name,
            direction="maximize" if higher_is_better else "minimize",
            pruner=library.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS),
            load_if_exists=True,
        )
        for key, value in identity.items():
            if self._study.user_attrs.get(key) != value:
                self._study.set_user_attr(key, value)
        self._running: dict[int, Any] = {}
        self._drop_unfinished()

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The next trial's number and its parameters, those that aren't searched included."""
        library = optuna()
        taken = {trial.number for trial in self.trials()} | set(self._running)
        number = next(candidate for candidate in count() if candidate not in taken)
        seed = int(np.random.SeedSequence((self.seed, number)).generate_state(1)[0])
        self._study.sampler = library.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS)
        trial = self._study.ask({name: _distribution(values) for name, values in self.space.searched.items()})
        trial.set_user_attr(NUMBER, number)
        self._running[number] = trial
        return number, self._complete(trial.params)

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Keep an epoch's value; whether to go on."""
        trial = self._running[number]
        trial.report(value, epoch)
        return not trial.should_prune()

    def tell(self, number: int, value: float, seconds: float) -> None:
        """End a trial with the metric's value."""
        trial = self._running.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        self._study.tell(trial, value)

    def prune(self, number: int, seconds: float) -> None:
        """End a trial that was stopped early."""
        trial = self._running.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        self._study.tell(trial, state=optuna().trial.TrialState.PRUNED)

    def fail(self, number: int, error: str, seconds: float) -> None:
        """End a trial that raised, or whose process died."""
        trial = self._running.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        trial.set_user_attr(ERROR, error)
        self._study.tell(trial, state=optuna().trial.TrialState.FAIL)

    def interrupt(self, number: int, seconds: float = 0.0) -> None:
        """End a trial that doesn't count: its number will be proposed again."""
        trial = self._running.pop(number)
        trial.set_user_attr(SECONDS, seconds)
        trial.set_user_attr(INTERRUPTED, True)
        self._study.tell(trial, state=optuna().trial.TrialState.FAIL)

    def keep_defaults(self, trial: Trial) -> None:
        """Store how the row's own setting did: a trial without epochs, which the sampler doesn't learn from."""
        self._study.set_user_attr(DEFAULTS, asdict(trial))

    def waste(self, seconds: float) -> None:
        """Count seconds that the row's own setting took in vain."""
        self._study.set_user_attr(WASTED, self._wasted + seconds)

    @property
    def _wasted(self) -> float:
        return float(self._study.user_attrs.get(WASTED, 0.0))

    @property
    def defaults(self) -> Trial | None:
        """How the row's own setting did, None as long as it wasn't tried."""
        stored = self._study.user_attrs.get(DEFAULTS)
        return None if stored is None else Trial(**stored)

    def trials(self) -> list[Trial]:
        """All ended trials that count, by number."""
        ended = [self._trial(one) for one in self._frozen() if one.state.is_finished() and not _interrupted(one)]
        return sorted(ended, key=lambda trial: trial.number)

    @property
    def counted(self) -> int:
        """How many trials ended or are under way."""
        return len(self.trials()) + len(self._running)

    @property
    def seconds(self) -> float:
        """What all trials took, those that don't count and that of the row's own setting included."""
        own = self._wasted + (self.defaults.seconds if self.defaults else 0.0)
        return own + math.fsum(one.user_attrs.get(SECONDS, 0.0) for one in self._frozen())

    def _complete(self, proposed: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters of a proposal; numbers have three digits, so that a setting can be read and typed."""
        rounded = {
            name: _readable(value, self.space.searched[name]) if isinstance(value, float) else value
            for name, value in proposed.items()
        }
        return rounded | self.space.fixed

    def _frozen(self) -> list[Any]:
        return list(self._study.get_trials(deepcopy=False))

    def _drop_unfinished(self) -> None:
        """Trials that were under way when the last search stopped don't count."""
        for one in self._frozen():
            if not one.state.is_finished():
                optuna().trial.Trial(self._study, one._trial_id).set_user_attr(INTERRUPTED, True)
                self._study.tell(one.number, state=optuna().trial.TrialState.FAIL)

    def _trial(self, one: Any) -> Trial:
        curve = {int(epoch): float(value) for epoch, value in sorted(one.intermediate_values.items())}
        best = (max if self.higher_is_better else min)(curve, key=lambda epoch: curve[epoch], default=None)
        state = {"COMPLETE": "complete", "PRUNED": "pruned"}.get(one.state.name, "failed")
        value = one.value if best is None else curve[best]
        return Trial(
            number=one.user_attrs[NUMBER],
            state=state,  # type: ignore[arg-type]
            parameters=self._complete(one.params),
            value=None if state == "failed" or value is None else float(value),
            iterations=None if state == "failed" else best,
            curve=curve,
            seconds=one.user_attrs.get(SECONDS, 0.0),
            error=one.user_attrs.get(ERROR, ""),
        )


def _readable(value: float, values: Range | Choice) -> float:
    """Three digits, but for a value that they would carry out of its range."""
    short = float(f"{value:.3g}")
    return short if not isinstance(values, Range) or values.low <= short <= values.high else value


def _interrupted(one: Any) -> bool:
    return bool(one.user_attrs.get(INTERRUPTED)) or NUMBER not in one.user_attrs


def _distribution(values: Range | Choice) -> Any:
    distributions = optuna().distributions
    if isinstance(values, Choice):
        return distributions.CategoricalDistribution(values.choices)
    kind = distributions.IntDistribution if values.whole else distributions.FloatDistribution
    return kind(values.low, values.high, log=values.log)
