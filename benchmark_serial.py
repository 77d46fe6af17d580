"""Serial: a plain loop in one process. What every speedup is measured against."""

from trial.script import idiom, run


def map_loop(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments) for arguments in tasks]


def shared_loop(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments, job.shared) for arguments in tasks]


def setup_loop(job, rounds, n_jobs):
    made = job.make()
    for tasks in rounds:
        yield [job.task(*arguments, made) for arguments in tasks]


def state_loop(job, rounds, n_jobs):
    for tasks in rounds:
        state = job.start()
        for arguments in tasks:
            job.task(*arguments, state)
        yield job.combine([job.hand_back(state)])


if __name__ == "__main__":
    run(
        map={"loop": idiom(map_loop, workers="caller")},
        shared={"loop": idiom(shared_loop, workers="caller", shares="same memory")},
        setup={"loop": idiom(setup_loop, workers="caller", sets_up="once per worker")},
        state={"loop": idiom(state_loop, workers="caller", keeps_state=True)},
    )
