"""Results that nobody measured, valid in every field."""

from math import exp
from typing import Any

import numpy as np

from record import files as results
from record.schema import MEMORY_FIELDS, Bytes, Idiom, Memory, Parts, Pool, Round, Run, Tasks, Trial
from record.terms import CALLER, COLD, KEPT, OK, POINT, SETTLING, TASKS, THREADS, Traits

MIB = 2**20
CODE = {
    "call": "numerical_tasks()",
    "code": "def numerical_tasks(inputs, n_jobs):\n    return inputs < 1  # <b>",
    "lines": 2,
}
A_MACHINE: dict[str, str | int | float] = {"cpu": "Z80", "physical_cores_usable": 1, "memory_bytes": 2**16}


def parts_of(seconds):
    """Return parts that add up to so many seconds."""
    start, work, wait, tail, straggler, gather = (seconds * share for share in (0.1, 0.7, 0.1, 0.05, 0.05, 0.1))
    return Parts(start_s=start, work_s=work, wait_s=wait, tail_s=tail, straggler_s=straggler, gather_s=gather)


def a_trial(one_shot_s=1.5, kept_s=None, **changes):
    """Return a trial of two tasks that took so long in one shot, a quarter of it to stop; None: it has no rounds."""
    trial = {
        "idiom": "loop", "n_jobs": 1, "outcome": OK, "position": 0, "yardstick_s": 0.004, "trial_s": 2.0,
        "import_s": 0.1, "cpu_user_s": 1.4, "cpu_system_s": 0.1, "tasks_asked": 2, "tasks_run": 2,
        "workers": changes.get("n_jobs", 1),
        "tasks": Tasks(index=[0, 1], pid=[7, 7], start_ns=[0, 5], end_ns=[4, 9]),
    }  # fmt: skip
    if one_shot_s is not None:
        cold_s = one_shot_s - one_shot_s / 4
        kept = [] if kept_s is None else [Round(phase=KEPT, tasks=2, seconds=kept_s, start_s=cold_s)]
        rounds = [Round(phase=COLD, tasks=2, seconds=cold_s), *kept]
        trial |= {"pools": [Pool(rounds=rounds, stop_s=one_shot_s / 4)], "cold": parts_of(cold_s)}
        trial |= {"kept": parts_of(kept_s)} if kept_s else {}
    return Trial(**trial | changes)


def a_run(*trials, traits=(), codes=(), **changes):
    """Return a run of these trials, or of one. ``traits``, ``codes``: of its idioms, by name."""
    measured, traits, codes = list(trials) or [a_trial()], dict(traits), dict(codes)
    idioms = {
        name: Idiom(traits=traits.get(name, Traits(start="fork")), **codes.get(name, {}))
        for name in dict.fromkeys(trial.idiom for trial in measured)
    }
    run: dict[str, Any] = {
        "started": "2026-11-21T00:00:00+0000", "profile": "quick", "params": {}, "params_hash": "abc", "seed": 1,
        "worker_counts": [1], "bandwidth_bytes_per_s": 1e10, "idioms": idioms, "trials": measured,
    }  # fmt: skip
    return Run(**run | changes)


def a_part(library, times, workload="numerical", traits=(), kept=(), **changes):
    """Return a run's part in a file: workload, library and run.

    ``times``: {idiom, or (idiom, n_jobs): [one-shot seconds, or what became of it, by block]}; ``kept``: alike.
    """
    trials, kept = [], dict(kept)
    for key, values in times.items():
        idiom, n_jobs = key if isinstance(key, tuple) else (key, 1)
        for block, value in enumerate(values):
            of_trial = {"idiom": idiom, "n_jobs": n_jobs, "block": block}
            if isinstance(value, str):
                trials.append(a_trial(None, **of_trial, outcome=value, reason=f"because {value}"))
            else:
                trials.append(a_trial(float(value), kept[key][block] if key in kept else None, **of_trial))
    if library == "serial":
        traits = {trial.idiom: Traits(workers=CALLER) for trial in trials} | dict(traits)
    return workload, library, a_run(*trials, traits=traits, **changes)


def save(folder, library, times, workload="numerical", **changes):
    """Save what `a_part` returns."""
    folder.mkdir(exist_ok=True)
    results.save(folder, workload, library, [a_part(library, times, workload, **changes)[2]])


def memory_of(**pss_mib):
    """Return what a memory trial says that had so many MiB of PSS at the moments named, and nothing else."""
    none = dict.fromkeys(MEMORY_FIELDS, 0)
    always = dict.fromkeys(("start", "peak", "end"), 0)
    moments: dict[str, Any] = {
        name: Bytes(**none | {"pss_bytes": mib * MIB}) for name, mib in (always | pss_mib).items()
    }
    return Memory(**moments)


def save_pools(folder, workload, library, pools_by_idiom, n_jobs=2, traits=(), **changes):
    """Save a study. ``pools_by_idiom``: {idiom: [pools of a trial, by block]}; ``changes``: of every trial's fields."""
    trials = [
        a_trial(None, idiom=idiom, block=block, n_jobs=n_jobs, pools=pools, tasks=Tasks(), **changes)
        for idiom, blocks in pools_by_idiom.items()
        for block, pools in enumerate(blocks)
    ]
    if library == "serial":
        traits = dict.fromkeys(pools_by_idiom, Traits(workers=CALLER))
    results.save(folder, workload, library, [a_run(*trials, traits=traits)])


def of_tasks(fixed_s, per_task_s, most, noise=0.02, seed=1, cold_s=0.02):
    """Return the pools of an `overhead` trial: a start, one task, and more and more of them."""
    random = np.random.default_rng(seed)
    sizes = [1, *(round(10 ** (k / 2)) for k in range(1, 11) if 10 ** (k / 2) <= most)]
    rounds = [
        Round(
            phase=KEPT if tasks == 1 else TASKS,
            tasks=tasks,
            seconds=(fixed_s + tasks * per_task_s) * exp(noise * random.standard_normal()),
        )
        for tasks in sizes
    ]
    start = Round(phase=COLD, tasks=1, seconds=cold_s * exp(noise * random.standard_normal()))
    return [Pool(rounds=[start, *rounds], stop_s=0.01)]


def of_lengths(overhead_s, n_jobs=2, noise=0.0, seed=1, pattern="independent"):
    """Return the pools of a `granularity` trial whose library costs each worker so much for every task."""
    random = np.random.default_rng(seed)
    rounds = [Round(phase=COLD, tasks=2, seconds=0.1), Round(phase=KEPT, tasks=2, seconds=0.05)]
    for step in range(0, 60):
        length = 0.125 / 1.2**step
        tasks = n_jobs * max(4, round(0.5 / length))
        label = {"pattern": pattern, "iterations": round(1e6 * length), "task_s": length}
        for bare in (True, False) * 3:
            each = (length + (0.0 if bare else overhead_s)) * exp(noise * random.standard_normal())
            rounds.append(Round(phase=POINT, tasks=tasks, seconds=tasks / n_jobs * each, bare=bare, label=label))
    return [Pool(label={"pattern": pattern}, rounds=rounds, stop_s=0.01)]


def a_grid(cold_s, seconds_of, tasks=8, payloads=(1024, MIB), computes=(0.0, 0.001, 0.01), refused=()):
    """Return the pools of a `grid` trial. ``seconds_of``: payload and compute time: of a round on a pool that is up."""
    more = {COLD: cold_s, SETTLING: 7.0, KEPT: 0.0}
    return [
        Pool(label={"payload_bytes": payload, "compute_s": compute}, refused="too large for this machine")
        if payload in refused
        else Pool(
            label={"payload_bytes": payload, "compute_s": compute},
            rounds=[Round(phase=p, tasks=tasks, seconds=seconds_of(payload, compute) + s) for p, s in more.items()],
            stop_s=0.1,
        )
        for payload in payloads
        for compute in computes
    ]


def save_rounds(folder, library, idioms, workload="numerical", traits=(), **changes):
    """Save idioms on 2 workers, or the loop: ``{idiom: (cold_s, kept_s or None, stop_s)}``."""
    loop = library == "serial"
    trials = []
    for idiom, (cold_s, kept_s, stop_s) in idioms.items():
        rounds = [Round(phase=COLD, tasks=2, seconds=cold_s)]
        rounds += [Round(phase=KEPT, tasks=2, seconds=kept_s, start_s=cold_s)] if kept_s else []
        pools = [Pool(rounds=rounds, stop_s=stop_s)]
        trials.append(a_trial(idiom=idiom, n_jobs=1 if loop else 2, pools=pools))
    traits = dict.fromkeys(idioms, Traits(workers=CALLER)) if loop else traits
    results.save(folder, workload, library, [a_run(*trials, traits=traits, **changes)])


def longer(times):
    return {"inputs": {"lengthens": "numerical", "times": times}}


def with_longer_jobs(folder):
    """The loop: 2 s. mp: 0.1 + S / 2; ray: 5 + 9 S / 20. 8 times the tasks are 16 s of work."""
    save_rounds(folder, "serial", {"loop": (2.0, 2.0, 0.0)})
    naive = {"naive": Traits(naive=True)}
    save_rounds(folder, "mp", {"fork": (1.0625, 1.0, 0.0375), "naive": (0.5, 0.5, 0.0)}, traits=naive)
    save_rounds(folder, "ray", {"tasks": (4.9, 0.9, 1.0)})
    save_rounds(folder, "serial", {"loop": (16.0, None, 0.0)}, "numerical_8", **longer(8))
    save_rounds(folder, "mp", {"fork": (8.0, None, 0.0)}, "numerical_8", **longer(8))
    save_rounds(folder, "ray", {"tasks": (15.25, None, 0.0)}, "numerical_8", **longer(8))


def grid_folder(folder, blocks=6):
    """Save a grid in which threads need 1 ms a task and processes 1.5 ms, at every payload and compute time."""
    traits = {"ThreadPoolExecutor": Traits(workers=THREADS)}
    for library, idiom, each_s in (("mp", "fork", 1.5e-3), ("futures", "ThreadPoolExecutor", 1e-3)):
        grids = [
            a_grid(0.1, lambda p, c, s=each_s, b=block: 8 * (s + c / 4) * (1 + b / 1000)) for block in range(blocks)
        ]
        save_pools(folder, "grid", library, {idiom: grids}, n_jobs=4, traits=traits)
    return folder


def measured(folder):
    """Save what two libraries did, what a third failed to do, and one idiom's code; return the folder."""
    save(folder, "serial", {("loop", 1): [8.0] * 6})
    save(folder, "mp", {("fork", 1): [8.1] * 6, ("fork", 4): [2.1, 2.2, 2.3, 2.2, 2.1, 2.0], ("exit", 4): ["skipped"]})
    times = {("tasks", 1): [9.0] * 6, ("tasks", 4): [3.0, 3.1, 3.2, 3.1, 3.0, 2.9], ("naive: all", 4): [5.0, "timeout"]}
    kept = {("tasks", 4): [1.0, 1.1, 1.2, 1.1, 1.0, 0.9]}
    save(folder, "ray", times, kept=kept, codes={"tasks": CODE}, traits={"naive: all": Traits(naive=True)})
    spawn = {"spawn, scatter": Traits(start="spawn")}
    save(folder, "dask", {("spawn, scatter", 4): ["wrong", "wrong"]}, traits=spawn)
    return folder
