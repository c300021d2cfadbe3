"""The clock: what is counted, what isn't, when a fit stops. Models and time are both pretended here."""

from dataclasses import replace

import pytest
import scipy.sparse as sp

from bench.contests.clock import retimed, watch
from bench.contests.quality import Judge

MATRIX = sp.csr_matrix((2, 2))


class Time:
    """A clock that goes on only where it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_by(self, seconds):
        self.now += seconds


TIME = Time()


@pytest.fixture(autouse=True)
def pretended_time(monkeypatch):
    monkeypatch.setattr("bench.contests.clock.perf_counter", TIME)
    monkeypatch.setattr("bench.contests.clock.sleep", TIME.pass_by)


class Pretender:
    """Its quality is the number of iterations done, or ten less in ``fall``; prepares for 3 s, an iteration takes 2."""

    def __init__(self, iterations=6, shows=True, fall=()):
        self.iterations, self.shows, self.fall, self.done = iterations, shows, fall, 0

    def fit(self, matrix, show_progress=True, callback=None):
        TIME.pass_by(3)
        for iteration in range(self.iterations):
            TIME.pass_by(2)
            self.done = iteration + 1
            if self.shows:
                callback(iteration, 0.25 * (iteration + 1))
        return self


def judge(higher_is_better=True):
    def measure(model):
        TIME.pass_by(50)
        quality = model.done - 10 * (model.done in model.fall)
        return quality if higher_is_better else -quality

    return Judge("NDCG@10", higher_is_better, measure)


def marks(fit):
    return [(mark.iteration, mark.quality) for mark in fit.marks]


def test_quality_is_looked_at_every_so_often_and_at_the_end():
    assert marks(watch(lambda: Pretender(6), MATRIX, judge(), every=4)) == [(4, 4), (6, 6)]
    assert marks(watch(lambda: Pretender(6), MATRIX, judge(), every=3)) == [(3, 3), (6, 6)]
    assert marks(watch(lambda: Pretender(6), MATRIX, judge())) == [(6, 6)]


def test_seconds_of_an_iteration_are_the_median_of_what_the_model_tells():
    assert watch(lambda: Pretender(5), MATRIX, judge()).iteration_seconds == 0.75


def test_the_clock_stands_still_while_the_quality_is_looked_at():
    fit = watch(lambda: Pretender(4), MATRIX, judge(), every=2)
    assert [mark.seconds for mark in fit.marks] == [7, 11]
    assert [mark.seconds for mark in watch(lambda: Pretender(4), MATRIX, judge()).marks] == [11]
    assert [mark.seconds for mark in watch(lambda: Pretender(5), MATRIX, judge(), every=2).marks] == [7, 11, 13]


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_a_fit_stops_where_the_target_is_reached(higher_is_better):
    target = 3 if higher_is_better else -3
    fit = watch(lambda: Pretender(6), MATRIX, judge(higher_is_better), every=1, target=target)
    assert [mark.iteration for mark in fit.marks] == [1, 2, 3]
    assert fit.first_as_good(judge(higher_is_better), target) == fit.marks[-1]


def test_a_target_out_of_reach_is_never_reached():
    fit = watch(lambda: Pretender(6), MATRIX, judge(), every=1, target=7)
    assert fit.first_as_good(judge(), 7) is None
    assert fit.marks[-1].iteration == 6


def test_the_best_is_not_the_last_where_quality_falls():
    fit = watch(lambda: Pretender(6, fall=(5, 6)), MATRIX, judge(), every=1)
    assert fit.best(judge()).iteration == 4


def test_a_library_that_shows_no_iterations_is_timed_by_the_difference_to_one():
    made = []

    def build(iterations=5):
        made.append(iterations)
        return Pretender(iterations, shows=False)

    fit = watch(build, MATRIX, judge(), every=1)
    assert marks(fit) == [(5, 5)]
    assert fit.iteration_seconds == 2
    assert fit.marks[-1].seconds == 13
    assert made[-1] == 1


def test_a_fit_timed_again_has_the_old_qualities_at_the_times_of_an_undisturbed_one():
    built = []

    def build(iterations=6):
        built.append(Pretender(iterations))
        return built[-1]

    fit = watch(build, MATRIX, judge(), every=2, target=4)
    slower = replace(fit, marks=tuple(replace(mark, seconds=1000.0) for mark in fit.marks))
    again = retimed(slower, build, MATRIX)
    assert marks(again) == [(2, 2), (4, 4)]
    assert [mark.seconds for mark in again.marks] == [7, 11]
    assert again.iteration_seconds == 0.625
    assert built[-1].iterations == 4, "no further than the last mark"
