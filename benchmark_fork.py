"""By hand: what about 60 lines of Python reach with fork, and a pipe each way per worker. A floor, not a library.

Workers inherit their input, and the first round's tasks, copy-on-write. A worker that has answered gets the next tasks,
as one pickle. It lacks all that a library is for: a worker's death, other ways to start, other systems.
"""

import os
import pickle
from functools import partial
from itertools import chain, islice
from select import select

from trial.script import idiom, run, skip

END_OF_ROUND = None  # in the place of a message's tasks


def rounds_by_hand(rounds, n_jobs, start, messages_each=16, hands_back=False):
    """Yield each round's answers, in no order; with ``hands_back``, yield what workers have at its end instead.

    ``start()`` is called in every worker and returns two functions: one takes a task's arguments, one is called at the
    end of a round. A worker's share of a round is sent in ``messages_each`` messages.
    """
    first = next(rounds)
    workers: dict = {}  # by the descriptor of its answers: process, pipe of tasks, pipe of answers
    for _ in range(n_jobs):
        tasks_out, tasks_in = os.pipe()
        answers_out, answers_in = os.pipe()
        if not (pid := os.fork()):
            close_all(workers)  # earlier workers' pipes: else those would not see the end of their tasks
            os.close(tasks_in)
            serve(os.fdopen(tasks_out, "rb"), os.fdopen(answers_in, "wb"), start, first)
        os.close(tasks_out)
        os.close(answers_in)
        workers[answers_out] = pid, os.fdopen(tasks_in, "wb"), os.fdopen(answers_out, "rb")
    try:
        for tasks in chain([range(len(first))], rounds):  # workers have the first round's tasks: send places
            size = -(-len(tasks) // (messages_each * n_jobs))
            answers = exchange(workers, (tasks[place : place + size] for place in range(0, len(tasks), size)))
            yield exchange(workers, iter([END_OF_ROUND] * n_jobs)) if hands_back else answers
    finally:
        close_all(workers)
        for pid, *_ in workers.values():
            os.waitpid(pid, 0)


def close_all(workers):
    for _, tasks_in, answers_out in workers.values():
        tasks_in.close()
        answers_out.close()


def exchange(workers, messages):
    """Send ``messages``, one at a time to whoever is free; return all answers. Raises what a task has raised."""
    answers: list = []
    free, busy = list(workers), set()
    while True:
        for descriptor, message in zip(free, islice(messages, len(free)), strict=False):
            pickle.dump(message, workers[descriptor][1], protocol=pickle.HIGHEST_PROTOCOL)
            workers[descriptor][1].flush()
            busy.add(descriptor)
        if not busy:
            return answers
        free = select(busy, [], [])[0]
        for descriptor in free:
            busy.remove(descriptor)
            error, results = pickle.load(workers[descriptor][2])
            if error:
                raise error
            answers += results


def serve(tasks_out, answers_in, start, first):
    status = 1
    try:
        call, at_end = start()
        while True:
            message = pickle.load(tasks_out)
            try:
                answer: tuple = None, answer_to(message, first, call, at_end)
            except Exception as error:  # noqa: BLE001 -- whatever it is, the parent raises it
                answer = error, []
            pickle.dump(answer, answers_in, protocol=pickle.HIGHEST_PROTOCOL)
            answers_in.flush()
            del answer, message  # or a state that was handed back would lie beside the next one
    except EOFError:  # no more rounds
        status = 0
    finally:
        os._exit(status)


def answer_to(message, first, call, at_end):
    if message is END_OF_ROUND:
        return [at_end()]
    return [call(first[task] if isinstance(message, range) else task) for task in message]


def map_by_hand(job, rounds, n_jobs):
    # An even share for each, as one message: tasks may be very short.
    return rounds_by_hand(rounds, n_jobs, lambda: (lambda arguments: job.task(*arguments), None), messages_each=1)


def shared_by_hand(job, rounds, n_jobs):
    return rounds_by_hand(rounds, n_jobs, lambda: (lambda arguments: job.task(*arguments, job.shared), None))


def call_with(task, made):
    return (lambda arguments: task(*arguments, made)), None


def setup_by_hand(job, rounds, n_jobs):
    return rounds_by_hand(rounds, n_jobs, lambda: call_with(job.task, job.make()))


def setup_in_caller(job, rounds, n_jobs):
    started = call_with(job.task, job.make())  # once, in the parent, under the clock
    yield from rounds_by_hand(rounds, n_jobs, lambda: started)


def start_state(job):
    state = job.start()

    def hand_back():
        nonlocal state
        part, state = job.hand_back(state), job.start()
        return part

    return lambda arguments: job.task(*arguments, state), hand_back


def state_by_hand(job, rounds, n_jobs):
    for parts in rounds_by_hand(rounds, n_jobs, partial(start_state, job), hands_back=True):
        yield job.combine(parts)


by_fork = partial(idiom, start="fork", batched=True)
PATTERNS = {
    "map": {"by hand": by_fork(map_by_hand)},
    "shared": {"by hand": by_fork(shared_by_hand, shares="inherited")},
    "setup": {
        "by hand": by_fork(setup_by_hand, sets_up="once per worker"),
        "by hand: fork after setup": by_fork(setup_in_caller, sets_up="in the caller"),
    },
    "state": {"by hand: state": by_fork(state_by_hand, keeps_state=True)},
}

if __name__ == "__main__":
    there_is_none = {"by hand": skip("there is no fork on this system")}
    run(**(PATTERNS if hasattr(os, "fork") else dict.fromkeys(PATTERNS, there_is_none)))
