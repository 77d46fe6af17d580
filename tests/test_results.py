"""Results files: what is written is read; damaged and hostile ones are refused by name, and nothing in them runs."""

import contextlib
import os
import pickle
import pickletools
import random
from io import StringIO

import pytest
from rich.console import Console

from record import files as results
from record.terms import MEMORY, MEMORY_FIELDS, MEMORY_MOMENTS
from report.export import write_csv
from report.measured import read as read_all
from report.measured import widest_interval
from report.tables import print_tables
from tests.made_up import a_run


def test_round_trip(tmp_path):
    results.save(tmp_path, "numerical", "ray", [a_run()])
    path = tmp_path / "numerical_ray.p3"
    assert results.load(path) == {
        "schema": results.SCHEMA,
        "workload": "numerical",
        "library": "ray",
        "runs": [a_run()],
    }
    assert [entry.name for entry in tmp_path.iterdir()] == ["numerical_ray.p3"]


def test_file_refers_to_no_class(tmp_path):
    results.save(tmp_path, "numerical", "ray", [a_run()])
    opcodes = {opcode.name for opcode, _, _ in pickletools.genops((tmp_path / "numerical_ray.p3").read_bytes())}
    assert not opcodes & {"GLOBAL", "STACK_GLOBAL", "REDUCE", "INST", "OBJ", "NEWOBJ"}


class Hostile:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_hostile_pickle_is_refused_and_does_not_run(tmp_path, protocol):
    ran = tmp_path / "ran"
    path = tmp_path / "numerical_ray.p3"
    path.write_bytes(pickle.dumps({"schema": results.SCHEMA, "runs": Hostile(f"touch {ran}")}, protocol=protocol))
    with pytest.raises(results.ResultsError, match=r"numerical_ray\.p3.*system"):
        results.load(path)
    assert not ran.exists()


def test_even_harmless_classes_are_refused(tmp_path):
    path = tmp_path / "a.p3"
    path.write_bytes(pickle.dumps({"schema": results.SCHEMA, "runs": [pickle.PicklingError]}))
    with pytest.raises(results.ResultsError, match="PicklingError"):
        results.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        pickle.dumps([1, 2]),
        pickle.dumps({"schema": results.SCHEMA}),
        pickle.dumps({"schema": results.SCHEMA + 1, "workload": "numerical", "library": "ray", "runs": []}),
        pickle.dumps({"schema": results.SCHEMA, "workload": "numerical", "library": "ray", "runs": [{}]}),
        pickle.dumps(
            {"schema": results.SCHEMA, "workload": "numerical", "library": "ray", "runs": [a_run(wall_s="fast")]}
        ),
        pickle.dumps(
            {"schema": results.SCHEMA, "workload": "numerical", "library": "ray", "runs": [a_run(n_jobs=None)]}
        ),
        pickle.dumps(
            {"schema": results.SCHEMA, "workload": "numerical", "library": "ray", "runs": [a_run(work_s=None)]}
        ),
        pickle.dumps(
            {"schema": results.SCHEMA, "workload": "numerical", "library": "ray", "runs": [a_run(memory={"peak": {}})]}
        ),
        pickle.dumps({"schema": results.SCHEMA, "workload": 5, "library": "ray", "runs": []}),
    ],
)
def test_damaged_file_is_one_line_with_its_name(tmp_path, content):
    path = tmp_path / "numerical_ray.p3"
    path.write_bytes(content)
    with pytest.raises(results.ResultsError) as refused:
        results.load(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_file_cut_or_changed_anywhere_never_raises_anything_else(tmp_path):
    run = a_run()
    sizes = dict.fromkeys(MEMORY_FIELDS, 10**6)
    run["trials"].append({**run["trials"][0], "kind": MEMORY, "memory": dict.fromkeys(MEMORY_MOMENTS, sizes)})
    results.save(tmp_path, "numerical", "ray", [run])
    path = tmp_path / "numerical_ray.p3"
    whole = path.read_bytes()
    rng = random.Random(1)
    read = 0
    for _ in range(2000):
        damaged = bytearray(whole)
        if rng.random() < 0.3:
            del damaged[rng.randrange(len(damaged)) :]
        else:
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(bytes(damaged))
        with contextlib.suppress(results.ResultsError):
            results.load(path)
            read += 1
            show(tmp_path)
    assert read > 20  # a changed letter of a name or digit of a time is no damage that can be seen


def show(folder):
    """Read a folder of results in every way; that none of it raises is what is tested."""
    files, _ = read_all(sorted(folder.glob("*.p3")))
    print_tables(folder, [file.workload for file in files], Console(file=StringIO()))
    write_csv(files, folder / "trials.csv")
    for file in files:
        widest_interval([(file.workload, file.library, file.run)])


def test_few_bytes_cannot_take_all_memory(tmp_path):
    path = tmp_path / "numerical_ray.p3"
    path.write_bytes(b"\x80\x03}r\xff\xff\xff\x7f.")  # LONG_BINPUT: a memo table of two billion entries
    with pytest.raises(results.ResultsError, match=r"numerical_ray\.p3"):
        results.load(path)


def test_unreadable_file_is_refused_by_name(tmp_path):
    with pytest.raises(results.ResultsError, match="cannot be read"):
        results.load(tmp_path)


def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    results.save(tmp_path, "numerical", "ray", [a_run()])
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        results.save(tmp_path, "numerical", "ray", [a_run(), a_run()])
    assert len(results.load(tmp_path / "numerical_ray.p3")["runs"]) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["numerical_ray.p3"]
