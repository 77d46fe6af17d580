"""Serial: a plain loop in one process. What every speedup is measured against."""

from trial.script import run
from workloads import initialization, numerical, stateful


def numerical_loop(inputs, n_jobs):
    return [numerical.filter_image(index, inputs.image) for index in range(inputs.num_filters)]


def stateful_loop(inputs, n_jobs):
    counter = stateful.PrefixCounter()
    for index, text in inputs.documents:
        counter.add(index, text)
    return stateful.frequent_prefixes([counter.counts])


def initialization_loop(inputs, n_jobs):
    model = initialization.load_model(inputs.model_path)
    return [initialization.predict(index, images, model) for tasks in inputs.rounds for index, images in tasks]


def sharing_loop(inputs, n_jobs):
    return [inputs.task(index, inputs.data) for index in range(inputs.num_tasks)]


def map_rounds(task, rounds, n_jobs):
    for tasks in rounds:
        yield [task(*arguments) for arguments in tasks]


if __name__ == "__main__":
    run(
        parallel=False,
        numerical={"loop": numerical_loop},
        stateful={"loop": stateful_loop},
        initialization={"loop": initialization_loop},
        sharing={"loop": sharing_loop},
        sharing_frame={"loop": sharing_loop},
        overhead={"loop": map_rounds},
        grid={"loop": map_rounds},
        granularity={"loop": map_rounds},
    )
