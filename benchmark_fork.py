"""By hand: fork, pipes and shared memory, what about 60 lines of Python can reach. A floor, not a library.

Workers inherit their inputs copy-on-write. One pipe gives out task numbers, whoever is free takes the next; a result
is pickled into the worker's own piece of shared memory, and a second pipe says where it lies. What is missing is all
that a library is for: a worker's exception, its death, other ways to start, other systems than Linux.
"""

import os
import pickle
import struct
from functools import partial
from itertools import islice

from harness.script import run, skip
from workloads import initialization, numerical, stateful

TASK, ANSWER = struct.Struct("i"), struct.Struct("iqq")  # number; whose memory, from where, how much
END = -1  # in the place of a task's number
IN_FLIGHT = 1024  # task numbers given out ahead: fewer than fill a pipe, or all would wait for each other


def rounds_by_hand(rounds, n_jobs, start):
    """Yield the results of one round of tasks after another, in no order; at the end, what each worker hands back.

    `start()` is called in every worker and returns two functions: one of a task, and one without arguments for the end.
    None is not yielded.
    """
    tasks_out, tasks_in = os.pipe()
    answers_out, answers_in = os.pipe()
    memories = [os.memfd_create("results") for _ in range(n_jobs)]
    tasks = [task for tasks in rounds for task in tasks]
    workers = []
    for number in range(n_jobs):
        if not (worker := os.fork()):
            work(number, memories[number], tasks_out, answers_in, tasks, *start())
        workers.append(worker)
    numbers = iter(range(len(tasks)))
    for round_numbers in [*(list(islice(numbers, len(tasks))) for tasks in rounds), [END] * n_jobs]:
        to_give = iter(round_numbers)
        for number in islice(to_give, IN_FLIGHT):
            os.write(tasks_in, TASK.pack(number))
        for _ in round_numbers:
            owner, offset, length = ANSWER.unpack(os.read(answers_out, ANSWER.size))
            for number in islice(to_give, 1):
                os.write(tasks_in, TASK.pack(number))
            if (result := pickle.loads(os.pread(memories[owner], length, offset))) is not None:
                yield result
    for worker in workers:
        os.waitpid(worker, 0)
    for descriptor in (tasks_out, tasks_in, answers_out, answers_in, *memories):
        os.close(descriptor)


def work(number, memory, tasks_out, answers_in, tasks, answer, at_end):
    offset = task = 0
    while task != END:
        (task,) = TASK.unpack(os.read(tasks_out, TASK.size))  # reads this short are never divided among readers
        result = pickle.dumps(at_end() if task == END else answer(tasks[task]), protocol=pickle.HIGHEST_PROTOCOL)
        os.pwrite(memory, result, offset)
        os.write(answers_in, ANSWER.pack(number, offset, len(result)))
        offset += len(result)
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


if __name__ == "__main__":
    if hasattr(os, "memfd_create"):
        run(
            numerical={"by hand": numerical_fork},
            stateful={"by hand: state": stateful_fork},
            initialization={"by hand": initialization_fork, "by hand: fork after load": initialization_fork_after_load},
        )
    else:
        linux_only = {"by hand": skip("os.memfd_create is there on Linux only")}
        run(numerical=linux_only, stateful=linux_only, initialization=linux_only)
