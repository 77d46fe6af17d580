"""Results that nobody measured, valid in every field."""

from harness.launch import trial_record
from record.terms import MEMORY_FIELDS


def a_run(**changes):
    """Return a run of one trial. ``changes``: of the trial's fields."""
    trial = trial_record(
        idiom="loop", n_jobs=1, outcome="ok", position=0, yardstick_s=0.004, trial_s=2.0, import_s=0.1, wall_s=1.5,
        startup_s=0.1, work_s=1.2, wait_s=0.1, tail_s=0.0, straggler_s=0.0, shutdown_s=0.1, cpu_user_s=1.4,
        cpu_system_s=0.1, place_s=None, moments_s={}, tasks_asked=2, tasks_run=2, workers=1,
        tasks={"index": [0, 1], "pid": [7, 7], "start_ns": [0, 5], "end_ns": [4, 9]},
    )  # fmt: skip
    return {
        "params_hash": "abc", "asked": {}, "environment": {}, "params": {}, "profile": "quick", "seed": 1,
        "worker_counts": [1], "started": "2026-11-21T00:00:00+0000", "idioms": ["loop"], "inputs": {}, "sources": {},
        "bandwidth_bytes_per_s": 1e10, "disturbances": [], "stopping": {}, "trials": [{**trial, **changes}],
    }  # fmt: skip


def memory_of(**pss_mib):
    """Return what a memory trial says that had so many MiB of PSS at the moments named, and nothing else."""
    none = dict.fromkeys(MEMORY_FIELDS, 0)
    return {moment: none | {"pss_bytes": mib * 2**20} for moment, mib in pss_mib.items()}


def a_part(library, idioms, workload="numerical", **changes):
    """Return a run's part in a file. ``idioms``: {name: [seconds by block]}."""
    template = a_run()["trials"][0]
    trials = [
        {**template, "idiom": idiom, "n_jobs": 1, "block": block}
        | ({"wall_s": value} if isinstance(value, float) else {"wall_s": None, "outcome": value})
        for idiom, values in idioms.items()
        for block, value in enumerate(values)
    ]
    return workload, library, {**a_run(), "idioms": list(idioms), "trials": trials, **changes}
