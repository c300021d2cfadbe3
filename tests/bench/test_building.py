"""What a cell's model is built with."""

from bench.building import random_state


def test_the_first_split_keeps_the_model_seed():
    assert [random_state(0, model_seed) for model_seed in range(4)] == [0, 1, 2, 3]


def test_every_split_and_model_seed_has_a_random_state_of_its_own():
    """Models of one seed on several splits would share their noise, and a mean over splits would hide it."""
    states = [random_state(split_seed, model_seed) for split_seed in range(20) for model_seed in range(20)]
    assert len(set(states)) == len(states)
    assert all(0 <= state < 2**31 for state in states)  # what every library takes


def test_a_random_state_stays_what_it_was():
    assert (random_state(1, 0), random_state(2, 3)) == (1982462498, 480164916)
