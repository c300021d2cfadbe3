"""The simulation of the gate: what it draws, what it counts, where it writes."""

import numpy as np
import pytest

from reports.comparison import compare
from reports.simulation import (
    BEGIN,
    END,
    Case,
    Rate,
    SimulationError,
    draw,
    is_failed,
    rate,
    read_fits,
    table,
    write_table,
)

N_USERS = 100


@pytest.fixture
def make_folder(tmp_path, measured):
    """A folder of fits that differ by model seed, as far as ``noise`` goes."""

    def make(name="fits", models=("als", "bpr"), seeds=5, model_seeds=3, drop=0.0, noise=0.05):
        results = []
        for number, model in enumerate(models):
            for split in range(seeds):
                taste = np.random.default_rng([7, split]).beta(2, 3, N_USERS)
                for seed in range(model_seeds):
                    own = np.random.default_rng([number, split, seed, round(100 * drop)]).standard_normal(N_USERS)
                    values = (taste + noise * own) * (1 - drop)
                    results.append(measured.cell(model, split, values, model_seed=seed))
        return measured.folder(tmp_path / name, results)

    return make


def test_a_trial_changes_nothing_but_the_model_seed(make_folder):
    fits = read_fits(make_folder())
    reference, candidate = draw(Case("als", 3, 4), fits, {}, np.random.default_rng(0))
    assert len(reference.entries) == len(candidate.entries) == 12
    assert {entry.cell.model for entry in reference.entries} == {"als 0", "bpr 1", "als 2", "bpr 3"}
    for old, new in zip(reference.entries, candidate.entries, strict=True):
        assert old.cell == new.cell
        assert old.digest != new.digest
    comparison = compare(reference, candidate)
    assert len(comparison.decisions) == 4
    assert all(decision.n_seeds == 3 and decision.outcome != "INCOMPARABLE" for decision in comparison.decisions)


def test_the_drop_is_the_first_cells_alone(make_folder):
    fits = read_fits(make_folder(noise=1e-4))
    comparison = compare(*draw(Case("bpr", 5, 3, 0.1), fits, {}, np.random.default_rng(0)))
    changes = {decision.model: decision.primary.change for decision in comparison.decisions}
    assert changes == pytest.approx({"bpr 0": -0.1, "als 1": 0, "bpr 2": 0}, abs=1e-3)


def test_what_is_worse_can_be_drawn_from_results(make_folder):
    fits = read_fits(make_folder(noise=1e-4))
    worse = read_fits(make_folder("worse", ["als"], drop=0.2, noise=1e-4))
    case = Case("als", 3, 2, None)
    comparison = compare(*draw(case, fits, worse, np.random.default_rng(0)))
    assert comparison.decisions[0].primary.change == pytest.approx(-0.2, abs=1e-3)
    assert is_failed(case, comparison)


def test_a_failure_elsewhere_is_a_false_alarm_and_no_power(make_folder):
    comparison = compare(*draw(Case("als", 5, 2, 0.5), read_fits(make_folder()), {}, np.random.default_rng(0)))
    assert [decision.outcome for decision in comparison.decisions] == ["FAIL", "PASS"]
    assert is_failed(Case("als", 5, 2, 0.5), comparison)
    assert is_failed(Case("bpr", 5, 2), comparison)
    assert not is_failed(Case("bpr", 5, 2, 0.5), comparison)


def test_rates_of_what_is_plain_and_the_same_draws_again(make_folder):
    fits = read_fits(make_folder())
    assert rate(Case("als", 5, 1), fits, {}, 40).n_failed <= 4
    assert rate(Case("als", 5, 1, 0.5), fits, {}, 10).n_failed == 10
    some = Case("als", 3, 1, 0.02)
    assert rate(some, fits, {}, 20) == rate(some, fits, {}, 20)


def test_the_interval_is_clopper_and_pearsons():
    interval = Rate(Case("als", 3, 1), 5, 100).interval
    assert (interval.low, interval.high) == pytest.approx((0.01643, 0.11284), abs=1e-5)  # R: binom.test(5, 100)
    assert Rate(Case("als", 3, 1), 0, 100).interval.low == 0


def test_results_with_too_few_seeds_are_refused(make_folder):
    with pytest.raises(SimulationError, match=r"als has 4 split seeds.* --seeds 5 --model-seeds 2"):
        read_fits(make_folder(seeds=4))
    with pytest.raises(SimulationError, match="fewest model seeds on one are 1"):
        read_fits(make_folder("single", model_seeds=1))


def test_the_table_has_a_row_for_every_model_and_drop_and_goes_between_the_marks(tmp_path):
    cases = [(seeds, cells, drop) for seeds in (3, 5) for cells in (1, 10, 30) for drop in (0.0, 0.02, None)]
    text = table([Rate(Case("als", seeds, cells, drop), seeds, 100) for seeds, cells, drop in cases])
    rows = [row for row in text.splitlines() if row.startswith("| als")]
    assert [row.split(" | ")[0] for row in rows] == ["| als", "| als, 2%", "| als, other settings"]
    assert rows[0].split(" | ")[1].startswith("3.0 (")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_table(text, page)
    assert page.read_text() == f"before\n{BEGIN}\n{text}{END}\nafter\n"
