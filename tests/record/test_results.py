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
from record.schema import SCHEMA, Content, as_plain, printable
from record.terms import MEMORY
from report.export import write_csv
from report.numbers.measured import read as read_all
from report.numbers.precision import widest_interval
from report.tables.workload import print_tables
from tests.made_up import a_run, a_trial, memory_of


def plain(**changes):
    """Return the plain data of a file whose one trial has other values."""
    content = as_plain(Content(workload="numerical", library="ray", runs=[a_run(a_trial(kept_s=1.0))]))
    content["runs"][0]["trials"][0] |= changes
    return content


def test_round_trip(tmp_path):
    results.save(tmp_path, "numerical", "ray", [a_run()])
    path = tmp_path / "numerical_ray.p3"
    assert results.load(path) == Content(schema=SCHEMA, workload="numerical", library="ray", runs=[a_run()])
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
    path.write_bytes(pickle.dumps({"schema": SCHEMA, "runs": Hostile(f"touch {ran}")}, protocol=protocol))
    with pytest.raises(results.ResultsError, match=r"numerical_ray\.p3.*system"):
        results.load(path)
    assert not ran.exists()


def test_even_harmless_classes_are_refused(tmp_path):
    path = tmp_path / "a.p3"
    path.write_bytes(pickle.dumps({"schema": SCHEMA, "runs": [pickle.PicklingError]}))
    with pytest.raises(results.ResultsError, match="PicklingError"):
        results.load(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage",
        pickle.dumps([1, 2]),
        pickle.dumps({"schema": SCHEMA}),
        pickle.dumps({"schema": SCHEMA + 1, "workload": "numerical", "library": "ray", "runs": []}),
        pickle.dumps({"schema": SCHEMA, "workload": "numerical", "library": "ray", "runs": [{}]}),
        pickle.dumps(plain(yardstick_s="fast")),
        pickle.dumps(plain(n_jobs=None)),
        pickle.dumps(plain(cold={"work_s": 1.0})),
        pickle.dumps(plain(memory={"peak": {}})),
        pickle.dumps(plain(pools=[])),  # it is ok, and has no rounds
        pickle.dumps(plain(wall_s=1.0)),
        pickle.dumps(plain(tasks={"index": [1], "pid": [], "start_ns": [], "end_ns": []})),
        pickle.dumps({"schema": SCHEMA, "workload": 5, "library": "ray", "runs": []}),
    ],
)
def test_damaged_file_is_one_line_with_its_name(tmp_path, content):
    path = tmp_path / "numerical_ray.p3"
    path.write_bytes(content)
    with pytest.raises(results.ResultsError) as refused:
        results.load(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("times", [400, pytest.param(2000, marks=pytest.mark.full)])
def test_file_cut_or_changed_anywhere_never_raises_anything_else(times, tmp_path):
    trials = a_trial(kept_s=1.0), a_trial(kind=MEMORY, memory=memory_of(start=40, peak=100, end=40))
    run = a_run(*trials)
    results.save(tmp_path, "numerical", "ray", [run])
    path = tmp_path / "numerical_ray.p3"
    whole = path.read_bytes()
    rng = random.Random(1)
    read = 0
    for _ in range(times):
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
    assert read > times / 100  # a changed letter of a name or digit of a time is no damage that can be seen


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
    assert len(results.load(tmp_path / "numerical_ray.p3").runs) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["numerical_ray.p3"]


def test_text_of_a_library_loses_its_colours_and_cannot_act_on_a_terminal():
    text = "\x1b[36mray::work()\x1b[39m\x1b[0m: \x1b]0;title\x07 na\u00efve"
    assert printable(text) == "ray::work(): ?]0;title? na\u00efve"
