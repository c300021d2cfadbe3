"""Small made copies of the data sets, and a web server on this machine that stands for the official one."""

import functools
import http.server
import threading
import zipfile

import pytest

from bench.datasets.carrier import GENRES

NO_FLAGS = "|".join(["0"] * len(GENRES))
ANIMATION = "|".join("1" if genre in ("Animation", "Comedy") else "0" for genre in GENRES)

SMALL = {
    "ml-100k": {
        "u.data": "1\t1\t5\t100\n1\t2\t3\t200\n2\t2\t4\t300\n",
        "u.item": f"1|Toy Story (1995)|01-Jan-1995|||{ANIMATION}\n2|Mis\xe9rables, Les (1995) ||||{NO_FLAGS}\n",
    },
    "ml-1m": {
        "ratings.dat": "1::1::5::100\n1::2::3::200\n2::2::4::300\n",
        "movies.dat": "1::Toy Story (1995)::Animation|Comedy\n2::Mis\xe9rables, Les (1995)::Drama\n"
        "3::Unrated (1999)::War\n",
    },
    "ml-latest-small": {
        "ratings.csv": "userId,movieId,rating,timestamp\r\n1,1,5.0,100\r\n1,2,0.5,200\r\n2,2,4.5,300\r\n",
        "movies.csv": 'movieId,title,genres\r\n1,"American President, The (1995)",Comedy|Drama\r\n'
        '2,"""Great"" Mis\xc3\xa9rables (1995)",(no genres listed)\r\n',
    },
    "hetrec2011-lastfm-2k": {
        "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t1\n3\t51\t7\n",
        "artists.dat": 'id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://x\t\n52\t"Weird Al" Bj\xc3\xb6rk\thttp://y\thttp://z\n',
    },
    "gowalla": {"train.txt": "0 0 1 2\n1 2\n", "test.txt": "0 3\n1 0 1\n"},
}


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """A BENCH_DATA folder with a few lines of every set."""
    folder = tmp_path / "own"
    for name, files in SMALL.items():
        (folder / name).mkdir(parents=True)
        for file, text in files.items():
            (folder / name / file).write_bytes(text.encode("latin-1"))
    monkeypatch.setenv("BENCH_DATA", str(folder))
    return folder


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, and no BENCH_DATA."""
    monkeypatch.delenv("BENCH_DATA", raising=False)
    monkeypatch.setenv("RECSYS_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "datasets"


@pytest.fixture
def real(data_folder, monkeypatch):
    """The real sets."""
    monkeypatch.setenv("BENCH_DATA", str(data_folder))
    return data_folder


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def website(tmp_path, monkeypatch):
    """(folder, address) of a web server on this machine."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "website"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def make_zip(tmp_path):
    """make_zip(name, {member: content}) -> path."""

    def make(name, members, folder=tmp_path):
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return folder / name

    return make
