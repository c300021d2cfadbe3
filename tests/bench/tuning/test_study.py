"""Proposals, pruning and storage of one search."""

from statistics import median

import pytest

from bench.tuning.space import Choice, Range, Space
from bench.tuning.study import STARTUP_TRIALS, BusyError, JournalError, Study, alone, open_storage
from bench.tuning.trial import Trial, best_of

SPACE = Space({"x": Range(0.01, 10.0, log=True), "n": Range(1, 9), "kind": Choice(("a", "b"))}, {"fixed": 3}, epochs=10)


def value_of(parameters):
    return -abs(parameters["x"] - 1) - 0.1 * parameters["n"]


def open_study(path, seed=0):
    return Study(open_storage(path), "toy", SPACE, True, seed, {"space": "toy"})


def spend(study, trials):
    for _ in range(trials):
        number, parameters = study.ask()
        study.tell(number, value_of(parameters), 0.5)
    return study.trials()


@pytest.fixture
def whole(tmp_path):
    return spend(open_study(tmp_path / "whole.journal"), 16)


def test_the_same_seed_proposes_the_same_and_another_seed_something_else(whole, tmp_path):
    assert spend(open_study(tmp_path / "again.journal"), 16) == whole
    other = spend(open_study(tmp_path / "other.journal", seed=1), 16)
    assert [trial.parameters for trial in other] != [trial.parameters for trial in whole]


@pytest.mark.parametrize("stop", [3, 12])
def test_a_search_that_is_taken_up_again_proposes_what_it_would_have(whole, tmp_path, stop):
    path = tmp_path / "stopped.journal"
    spend(open_study(path), stop)
    assert spend(open_study(path), 16 - stop) == whole


def test_a_trial_that_was_under_way_is_proposed_again_under_its_number(whole, tmp_path):
    path = tmp_path / "killed.journal"
    study = open_study(path)
    spend(study, 12)
    number, parameters = study.ask()
    study.report(number, 1, 0.5)
    later = open_study(path)
    assert len(later.trials()) == 12
    assert later.ask() == (number, parameters)
    later = open_study(path)
    assert spend(later, 4) == whole


def test_two_searches_with_one_file_of_trials_are_refused(tmp_path):
    """The second would take the first one's trial under way for lost, and the first would fail at its end."""
    path = tmp_path / "deep" / "one.journal"
    with alone(path):
        with (
            pytest.raises(BusyError, match=r"one\.journal: another `tune` is searching there: .*another --out"),
            alone(path),
        ):
            pass
        with alone(tmp_path / "deep" / "other.journal"):
            pass
    with alone(path):
        pass


def test_digits_that_would_leave_a_range_are_kept(tmp_path):
    narrow = Space({"x": Range(1.0001, 1.0004)}, {})
    study = Study(open_storage(tmp_path / "narrow.journal"), "toy", narrow, True, 0, {})
    proposed = [study.ask()[1]["x"] for _ in range(5)]
    assert all(1.0001 <= x <= 1.0004 for x in proposed)
    assert len(set(proposed)) == 5


def test_a_trial_that_was_interrupted_does_not_count_but_its_seconds_do(whole, tmp_path):
    study = open_study(tmp_path / "interrupted.journal")
    number, _ = study.ask()
    study.interrupt(number, seconds=2.0)
    assert study.counted == 0
    assert study.seconds == 2.0
    assert spend(study, 16) == whole


def test_trials_side_by_side_have_numbers_of_their_own(tmp_path):
    study = open_study(tmp_path / "beside.journal")
    numbers = [study.ask()[0] for _ in range(3)]
    study.interrupt(1)
    assert numbers == [0, 1, 2]
    assert study.ask()[0] == 1
    assert study.ask()[0] == 3


def test_proposals_lie_in_the_space_and_have_three_digits(whole):
    for trial in whole:
        x = trial.parameters["x"]
        assert 0.01 <= x <= 10
        assert x == float(f"{x:.3g}")
        assert trial.parameters["n"] in range(1, 10)
        assert trial.parameters["kind"] in ("a", "b")
        assert trial.parameters["fixed"] == 3


def test_the_sampler_learns(tmp_path):
    found = [trial.value for trial in spend(open_study(tmp_path / "long.journal"), 40)]
    assert median(found[STARTUP_TRIALS + 10 :]) > median(found[:STARTUP_TRIALS]) + 0.2


def test_a_failed_trial_is_kept_with_its_reason_and_the_next_has_another_number(tmp_path):
    study = open_study(tmp_path / "failed.journal")
    number, _ = study.ask()
    study.fail(number, "it diverged", 1.5)
    (failed,) = study.trials()
    assert (failed.state, failed.error, failed.value, failed.seconds) == ("failed", "it diverged", None, 1.5)
    assert study.ask()[0] == 1


def test_what_is_worse_than_the_median_at_its_epoch_is_pruned_after_the_first_trials(tmp_path):
    study = open_study(tmp_path / "pruned.journal")
    early = []
    for place in range(STARTUP_TRIALS):
        number, _ = study.ask()
        early.append(study.report(number, 1, 0.5 + 0.01 * place))
        study.report(number, 2, 0.6 + 0.01 * place)
        study.tell(number, 0.6 + 0.01 * place, 1.0)
    assert all(early)
    number, _ = study.ask()
    assert not study.report(number, 1, 0.1)
    study.prune(number, 0.1)
    number, _ = study.ask()
    assert study.report(number, 1, 0.9)
    study.tell(number, 0.9, 1.0)
    pruned, kept = study.trials()[-2:]
    assert (pruned.state, pruned.curve) == ("pruned", {1: 0.1})
    assert (kept.state, kept.iterations, kept.setting["iterations"]) == ("complete", 1, 1)


def test_the_best_is_a_complete_trial_in_the_metrics_direction():
    trials = [
        Trial(0, "complete", {}, 0.3),
        Trial(1, "pruned", {}, 0.9),
        Trial(2, "failed", {}),
        Trial(3, "complete", {}, 0.5),
        Trial(4, "complete", {}, 0.5),
    ]
    assert best_of(trials, higher_is_better=True).number == 3
    assert best_of(trials, higher_is_better=False).number == 0
    assert best_of(trials[1:3], higher_is_better=True) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda lines: [lines[0], b"garbage\n", *lines[1:]],
            "line 2 is cut off or no line of a journal: take it out, or",
        ),
        (lambda lines: [*lines, b"garbage"], r"line \d+ is cut off"),
        (lambda lines: [*lines[:-1], lines[-1][:-9]], r"line \d+ is cut off"),
        (lambda lines: [*lines, b"5\n"], "no line of a journal"),
        (lambda lines: [*lines, b"\xff\xfe\n"], "no line of a journal"),
        (lambda lines: [*lines, b"[" * 100_000 + b"\n"], "no line of a journal"),
        (lambda lines: [*lines, b"{}\n"], r"its lines are no search's .*op_code"),
        (lambda lines: [*lines, b'{"op_code": 99, "worker_id": "x"}\n'], "its lines are no search's"),
    ],
)
def test_a_journal_that_was_cut_off_or_edited_is_named_with_what_to_do(tmp_path, change, message):
    path = tmp_path / "spoilt.journal"
    spend(open_study(path), 2)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(
        JournalError, match=rf"spoilt\.journal: .*{message}.*delete the file, and the search begins anew"
    ):
        open_study(path)


def test_a_journal_without_its_broken_line_goes_on(whole, tmp_path):
    path = tmp_path / "mended.journal"
    spend(open_study(path), 12)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines) + b"garbage")
    with pytest.raises(JournalError):
        open_storage(path)
    path.write_bytes(b"".join(lines))
    assert spend(open_study(path), 4) == whole


def test_a_journal_that_is_no_file_is_named(tmp_path):
    (tmp_path / "folder.journal").mkdir()
    with pytest.raises(JournalError, match=r"folder\.journal: can't be read"):
        open_storage(tmp_path / "folder.journal")
