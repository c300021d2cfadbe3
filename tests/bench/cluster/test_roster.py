"""Which worker is chosen, on a client that only says who is there."""

from threading import Event
from types import SimpleNamespace

import pytest

from bench.cluster import roster as roster_module
from bench.cluster.errors import LostClusterError
from bench.cluster.roster import Roster

ONE, OTHER = "tcp://a:1", "tcp://b:1"


class Client:
    """Has workers of one thread each at these addresses."""

    status = "running"
    scheduler = SimpleNamespace(ncores=None, address="tcp://scheduler:1")

    def __init__(self, *addresses):
        self.addresses = addresses

    def sync(self, ncores, callback_timeout):
        return dict.fromkeys(self.addresses, 1)

    def run(self, function, *arguments, workers, on_error):
        return {address: function(*arguments) for address in workers}


@pytest.fixture
def open_roster(monkeypatch):
    """A roster that looks often, or hardly ever."""

    def make(client, poll=0.01, timeout=10):
        monkeypatch.setattr(roster_module, "POLL", poll)
        return Roster(client, (), timeout)

    return make


def test_one_that_holds_what_is_wanted_is_taken_unless_another_died_at_its_address(open_roster):
    with open_roster(Client(ONE, OTHER)) as roster:
        roster.workers[ONE].holds.add("split")
        with roster.worker(["split"], Event()) as worker:
            assert worker.address == ONE
        with roster.worker(["split"], Event(), avoided=[ONE]) as worker:
            assert worker.address == OTHER


def test_who_is_busy_is_waited_for_rather_than_an_avoided_one_taken(open_roster):
    with open_roster(Client(ONE, OTHER)) as roster, roster.worker([], Event(), avoided=[ONE]):
        assert roster._idle(avoided=[ONE]) == []
        assert [worker.address for worker in roster._idle(avoided=[])] == [ONE]


def test_where_there_is_nobody_else_the_one_started_in_the_place_of_the_dead_is_taken(open_roster):
    with open_roster(Client(ONE)) as roster:
        with roster.worker([], Event()) as dead:
            dead.holds.add("split")
            roster.strike_off(dead)
        with roster.worker(["split"], Event(), avoided=[ONE]) as worker:
            assert worker is not dead
            assert (worker.address, worker.holds) == (ONE, set())
            roster.strike_off(dead)
            assert roster.workers[ONE] is worker, "who came after the dead was struck off"


def test_one_that_died_is_not_taken_again_before_the_next_look(open_roster):
    with open_roster(Client(ONE, OTHER), poll=60) as roster:
        for left in (1, 0):
            with roster.worker([], Event()) as worker:
                roster.strike_off(worker)
            assert worker.gone.is_set()
            assert len(roster) == left


def test_when_the_last_is_gone_and_none_comes_the_run_is_lost(open_roster):
    client = Client(ONE)
    with open_roster(client, timeout=0.05) as roster:
        client.addresses = ()
        roster.strike_off(roster.workers[ONE])
        with (
            pytest.raises(LostClusterError, match="all workers of tcp://scheduler:1 were lost"),
            roster.worker([], Event()),
        ):
            pass
