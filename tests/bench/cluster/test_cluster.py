"""Cells on real workers give what they give here, whoever dies."""

from collections import Counter
from pathlib import Path
from time import monotonic, sleep

import pytest

import bench
from bench.cli import main
from bench.cluster.cluster import Cluster
from bench.cluster.errors import ClusterError, LostClusterError
from bench.listener import Listener
from reports.store import Store

DATA = {"datasets": "synthetic", "k": [5]}


def contents(out):
    """Everything that must not depend on where a cell ran."""
    return {
        file.relative_to(out).as_posix(): file.read_bytes()
        for file in out.rglob("*")
        if file.is_file() and file.parent.parent.parent.parent.parent.name == "cells" and file.name != "measured.json"
    }


def has_ended(file):
    """Whether the process that wrote its id into a file is gone, or is soon."""
    process = Path("/proc") / file.read_text()
    deadline = monotonic() + 20
    while process.exists() and monotonic() < deadline:
        sleep(0.05)
    return not process.exists()


def test_a_cluster_gives_what_jobs_give_though_a_worker_is_killed(start_cluster, plugin, tmp_path, monkeypatch):
    sent = Counter()
    send = Cluster._send

    def counting(self, worker, parcel, stopping):
        sent[worker.address, parcel.name] += 1
        send(self, worker, parcel, stopping)

    monkeypatch.setattr(Cluster, "_send", counting)
    cluster = start_cluster(2)
    marker = tmp_path / "killed"
    settings = {
        **DATA,
        "models": ["random", "als", "tiny", "victim"],
        "model_seeds": 5,
        "parameters": {"victim": {"marker": str(marker)}, "als": {"iterations": 2}},
        "plugins": [plugin],
    }
    there = bench.run(**settings, out=tmp_path / "there", cluster=str(cluster.file), cluster_timeout=60)
    assert marker.exists(), "no worker was killed"
    assert has_ended(marker), "what a worker that died was running goes on"
    assert (there["status"] == "ok").all(), there["error"].tolist()
    assert len(there) == 20
    here = bench.run(**settings, out=tmp_path / "here", jobs=2)
    columns = [name for name in here.columns if "@" in name or name in ("auc", "model", "model_seed")]
    assert there[columns].equals(here[columns])
    assert contents(tmp_path / "there") == contents(tmp_path / "here")
    assert set(sent.values()) == {1}, "what a worker needs goes to it once"
    assert len(sent) <= 2 * 3, "the split and the plug-in, to two workers and the one in the place of the dead"
    kept = list(cluster.folder.glob("workers/**/recsys-bench-*"))
    assert len(kept) <= 1, "only the folder of the worker that was killed is left, for Dask to remove"


def test_a_dead_worker_is_not_chosen_again_before_anybody_has_looked_who_is_there(
    start_cluster, plugin, tmp_path, monkeypatch
):
    """It is idle and holds all that is needed, and the scheduler says at the first death that it gives up."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    monkeypatch.setattr("bench.cluster.roster.POLL", 3.0)
    cluster = start_cluster(2)
    marker = tmp_path / "killed"
    frame = bench.run(
        **DATA,
        models=["victim"],
        parameters={"victim": {"marker": str(marker)}},
        plugins=[plugin],
        out=tmp_path / "out",
        cluster=str(cluster.file),
        cluster_timeout=60,
    )
    assert marker.exists(), "no worker was killed"
    assert frame["status"].tolist() == ["ok"], frame["error"].tolist()


def test_a_cell_that_kills_two_workers_is_a_row_with_the_reason_and_others_go_on(start_cluster, plugin, tmp_path):
    cluster = start_cluster(1)
    frame = bench.run(
        **DATA,
        models=["deadly", "tiny"],
        plugins=[plugin],
        out=tmp_path / "out",
        cluster=str(cluster.file),
        cluster_timeout=60,
    ).set_index("model")
    assert frame.loc["tiny", "status"] == "ok"
    assert frame.loc["deadly", "status"] == "failed"
    assert frame.loc["deadly", "error"].startswith("2 workers died while they ran this cell: tcp://127.0.0.1:")


def test_a_lost_scheduler_ends_the_run_and_what_was_finished_is_kept(start_cluster, plugin, tmp_path, caplog):
    cluster = start_cluster(1)

    class KillsTheScheduler(Listener):
        def ended(self, result, reused):
            cluster.scheduler.kill()

    settings = {**DATA, "models": ["tiny"], "model_seeds": 3, "plugins": [plugin], "out": tmp_path / "out"}
    with pytest.raises(LostClusterError, match="the same command computes the rest") as lost:
        bench.run(**settings, cluster=str(cluster.file), cluster_timeout=60, listener=KillsTheScheduler())
    assert lost.value.exit_status == 1
    assert "Traceback" not in caplog.text
    (kept,) = Store(tmp_path / "out").folders()
    before = (kept / "measured.json").read_bytes()
    assert (bench.run(**settings)["status"] == "ok").all()
    assert len(Store(tmp_path / "out").folders()) == 3
    assert (kept / "measured.json").read_bytes() == before, "it was computed again"


class Own:
    """Defined where no worker can import it."""

    def fit(self, user_items):
        self.counts = user_items.sum(axis=0).A1
        return self

    def score(self, user_ids):
        return self.counts[None, :].repeat(len(user_ids), axis=0)


def test_workers_in_this_process_run_classes_of_the_callers(tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'recsys-bench[cluster]'")
    heard = []

    class Hears(Listener):
        def epoch(self, cell, epoch):
            heard.append((cell.model, epoch))

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None, local_directory=str(tmp_path)
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        frame = bench.run(**DATA, models=[Own, "als"], out=tmp_path / "out", cluster=client, listener=Hears())
        assert client.status == "running", "a client that was given is left open"
    assert (frame["status"] == "ok").all(), frame["error"].tolist()
    assert {model for model, _ in heard} == {"als"}
    environments = [result.measured["environment"] for result in Store(tmp_path / "out")]
    assert [environment["threads"] for environment in environments] == [1, 1], "as many as the worker has"


def test_an_interrupt_ends_what_runs_on_the_workers(plugin, tmp_path):
    distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'recsys-bench[cluster]'")
    file = tmp_path / "sleeper"

    class Interrupts(Listener):
        def ended(self, result, reused):
            deadline = monotonic() + 60
            while not file.exists() and monotonic() < deadline:
                sleep(0.05)
            raise KeyboardInterrupt

    options = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options, local_directory=str(tmp_path / "workers")) as cluster:
        with pytest.raises(KeyboardInterrupt):
            bench.run(
                **DATA,
                models=["sleeper", "tiny"],
                parameters={"sleeper": {"file": str(file)}},
                plugins=[plugin],
                out=tmp_path / "out",
                cluster=cluster,
                listener=Interrupts(),
            )
        assert has_ended(file)
        assert not list(tmp_path.glob("workers/**/recsys-bench-*"))
    assert [result.cell.model for result in Store(tmp_path / "out")] == ["tiny"]


def test_an_address_where_nobody_answers_is_one_message(tmp_path, capsys):
    pytest.importorskip("distributed", reason="needs Dask: pip install 'recsys-bench[cluster]'")
    arguments = ["run", "--dataset", "synthetic", "--models", "random", "--out", str(tmp_path / "out")]
    assert main([*arguments, "--cluster", "tcp://127.0.0.1:9", "--cluster-timeout", "0.5"]) == 2
    message = capsys.readouterr().err
    assert "tcp://127.0.0.1:9: no scheduler answers there within 0.5 seconds" in message
    assert "Traceback" not in message
    assert not (tmp_path / "out").exists()


def test_a_cluster_without_workers_is_not_waited_for_without_end(start_cluster, tmp_path):
    cluster = start_cluster(0)
    with pytest.raises(ClusterError, match="has no worker: start some"):
        bench.run(**DATA, models="random", out=tmp_path / "out", cluster=str(cluster.file), cluster_timeout=2)


def test_without_dask_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.cluster.connection.find_spec", lambda name: None)
    with pytest.raises(ClusterError, match=r"recsys-bench\[cluster\]"):
        bench.run(**DATA, models="random", out=tmp_path / "out", cluster="tcp://127.0.0.1:9")
