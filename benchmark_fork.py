"""By hand: fork, pipes and shared memory, what about 60 lines of Python can reach. A floor, not a library.

Workers inherit their inputs copy-on-write. One pipe gives out task numbers, whoever is free takes the next; a result
is pickled into the worker's own piece of shared memory, and a second pipe says where it lies. What is missing is all
that a library is for: a worker's death, other ways to start, other systems than Linux.
"""

import os
import pickle
import struct
import tempfile
from functools import partial
from itertools import islice
from pathlib import Path

from trial.script import run, skip
from workloads import initialization, numerical, stateful

TASK, ANSWER = struct.Struct("i"), struct.Struct("iqq")  # number; whose memory, from where, how much
END = -1  # in the place of a task's number
SHARED_MEMORY = "/dev/shm"
IN_FLIGHT = 1024  # task numbers given out ahead: fewer than fill a pipe, or all would wait for each other


def rounds_by_hand(rounds, n_jobs, start):
    """Yield the results of one round of tasks after another, in no order; at the end, what each worker hands back.

    `start()` is called in every worker and returns two functions: one of a task, and one without arguments for the end.
    None is not yielded.
    """
    tasks_out, tasks_in = os.pipe()
    answers_out, answers_in = os.pipe()
    memories = [tempfile.TemporaryFile(dir=SHARED_MEMORY, buffering=0) for _ in range(n_jobs)]  # noqa: SIM115
    tasks = [task for tasks in rounds for task in tasks]
    workers = []
    for number in range(n_jobs):
        if not (worker := os.fork()):
            os.close(tasks_in)  # so that workers read the end of the tasks when the parent fails
            work(memories[number].fileno(), number, tasks_out, answers_in, tasks, start)
        workers.append(worker)
    numbers = iter(range(len(tasks)))
    try:
        for round_numbers in [*(list(islice(numbers, len(tasks))) for tasks in rounds), [END] * n_jobs]:
            to_give = iter(round_numbers)
            for number in islice(to_give, IN_FLIGHT):
                os.write(tasks_in, TASK.pack(number))
            for _ in round_numbers:
                owner, offset, length = ANSWER.unpack(os.read(answers_out, ANSWER.size))
                for number in islice(to_give, 1):
                    os.write(tasks_in, TASK.pack(number))
                result = pickle.loads(os.pread(memories[owner].fileno(), abs(length), offset))
                if length < 0:
                    raise result
                if result is not None:
                    yield result
    finally:
        for descriptor in (tasks_out, tasks_in, answers_out, answers_in):
            os.close(descriptor)
        for worker, memory in zip(workers, memories, strict=True):
            os.waitpid(worker, 0)
            memory.close()


def work(memory, number, tasks_out, answers_in, tasks, start):
    offset = task = 0
    try:
        answer, at_end = start()
        while task != END:
            (task,) = TASK.unpack(os.read(tasks_out, TASK.size))  # reads this short are never divided among readers
            result = pickle.dumps(at_end() if task == END else answer(tasks[task]), protocol=pickle.HIGHEST_PROTOCOL)
            os.pwrite(memory, result, offset)
            os.write(answers_in, ANSWER.pack(number, offset, len(result)))
            offset += len(result)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the parent raises it
        os.pwrite(memory, failure := pickle.dumps(error), offset)
        os.write(answers_in, ANSWER.pack(number, offset, -len(failure)))  # below zero: raise it
    finally:
        os._exit(0)


def nothing():
    return None


def numerical_fork(inputs, n_jobs):
    filter_shared = partial(numerical.filter_image, image=inputs.image)
    return list(rounds_by_hand([range(inputs.num_filters)], n_jobs, lambda: (filter_shared, nothing)))


def start_counting():
    counter = stateful.PrefixCounter()
    return lambda document: counter.add(*document), lambda: counter.counts


def stateful_fork(inputs, n_jobs):
    return stateful.frequent_prefixes(rounds_by_hand([inputs.documents], n_jobs, start_counting))


def load_model(path):
    model = initialization.load_model(path)
    return lambda batch: initialization.predict(*batch, model), nothing


def initialization_fork(inputs, n_jobs):
    return list(rounds_by_hand(inputs.rounds, n_jobs, lambda: load_model(inputs.model_path)))


def initialization_fork_after_load(inputs, n_jobs):
    loaded = load_model(inputs.model_path)  # once, in the parent, under the clock
    return list(rounds_by_hand(inputs.rounds, n_jobs, lambda: loaded))


def sharing_fork(inputs, n_jobs):
    run_shared = partial(inputs.task, data=inputs.data)
    return list(rounds_by_hand([range(inputs.num_tasks)], n_jobs, lambda: (run_shared, nothing)))


def map_rounds(task, rounds, n_jobs):
    """A pipe each way per worker: of every round, each gets an even share as one pickle, and answers with one."""
    workers = []
    for _ in range(n_jobs):
        tasks_out, tasks_in = os.pipe()
        answers_out, answers_in = os.pipe()
        if not (pid := os.fork()):
            for _, earlier_tasks, earlier_answers in workers:
                earlier_tasks.close()
                earlier_answers.close()
            os.close(tasks_in)
            serve(task, os.fdopen(tasks_out, "rb"), os.fdopen(answers_in, "wb"))
        os.close(tasks_out)
        os.close(answers_in)
        workers.append((pid, os.fdopen(tasks_in, "wb"), os.fdopen(answers_out, "rb")))
    try:
        for tasks in rounds:
            for number, (_, tasks_in, _) in enumerate(workers):
                pickle.dump(tasks[number::n_jobs], tasks_in, protocol=pickle.HIGHEST_PROTOCOL)
                tasks_in.flush()
            yield [result for _, _, answers_out in workers for result in pickle.load(answers_out)]
    finally:
        for pid, tasks_in, answers_out in workers:
            tasks_in.close()
            answers_out.close()
            os.waitpid(pid, 0)


def serve(task, tasks_out, answers_in):
    try:
        while True:
            answers = [task(*arguments) for arguments in pickle.load(tasks_out)]
            pickle.dump(answers, answers_in, protocol=pickle.HIGHEST_PROTOCOL)
            answers_in.flush()
    except EOFError:  # no more rounds
        os._exit(0)
    finally:
        os._exit(1)


ALL = ("numerical", "stateful", "initialization", "sharing", "sharing_frame", "overhead", "grid", "granularity")

if __name__ == "__main__":
    if Path(SHARED_MEMORY).is_dir():
        run(
            numerical={"by hand": numerical_fork},
            stateful={"by hand: state": stateful_fork},
            initialization={"by hand": initialization_fork, "by hand: fork after load": initialization_fork_after_load},
            sharing={"by hand": sharing_fork},
            sharing_frame={"by hand": sharing_fork},
            overhead={"by hand": map_rounds},
            grid={"by hand": map_rounds},
            granularity={"by hand": map_rounds},
        )
    else:
        linux_only = skip(f"{SHARED_MEMORY} is there on Linux only")
        run(**{workload: {"by hand": linux_only} for workload in ALL})
