"""Parcels are named by what is in them."""

import pytest

from bench.cluster.parcels import Parcel, folder_parcel, unpack


def test_the_same_content_has_the_same_name_wherever_it_lies(tmp_path):
    for folder, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "users.npy").write_bytes(content)
    names = [folder_parcel(tmp_path / folder).name for folder in "abc"]
    assert names[0] == names[1] != names[2]
    assert Parcel.of({"items.npy": tmp_path / "a" / "users.npy"}).name != names[0]


def test_files_come_out_as_they_went_in_and_twice_does_no_harm(tmp_path):
    (tmp_path / "models.py").write_bytes(b"MODELS = {}")
    parcel = Parcel.of({"0/models.py": tmp_path / "models.py", "1/models.py": tmp_path / "models.py"})
    for _ in range(2):
        unpack(parcel.content(), tmp_path / "worker" / parcel.name)
    out = tmp_path / "worker" / parcel.name
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.py")) == ["0/models.py", "1/models.py"]
    assert (out / "1" / "models.py").read_bytes() == b"MODELS = {}"
    assert [path.name for path in out.parent.iterdir()] == [parcel.name]


@pytest.mark.parametrize("name", ["../outside", "/outside", "a/../../outside", ""])
def test_nothing_is_written_outside(tmp_path, name):
    with pytest.raises(ValueError, match="a parcel with a file named"):
        unpack({name: b"x"}, tmp_path / "worker" / "parcel")
    assert not (tmp_path / "outside").exists()
