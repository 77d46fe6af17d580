"""The code to take away: a file that runs a user's own job with one library and idiom, without the suite."""

from pathlib import Path

from record.schema import Idiom, Run
from report.numbers.words import called

JOBS = {
    "map": "Map(numbered)",
    "shared": "Shared(numbered, my_job.shared(), nbytes=0)",  # its size is for the suite's own records
    "setup": "Setup(numbered, my_job.setup)",
    "state": "State(my_job.task, my_job.start, my_job.hand_back, my_job.combine)",
}

NUMBERED = '''
def numbered(number, *arguments):
    """A task, and its number: results come in any order."""
    return number, my_job.task(*arguments)
'''

TEMPLATE = '''"""{file}, run by {called}.

Made from what was measured on {started}; {command} runs it.
"""

{program}

# Where {file} lies: for this process, and for those that it starts.
sys.path.insert(0, {folder!r})
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [{folder!r}, os.environ.get("PYTHONPATH")]))

import {job} as my_job
{call}

def main({parameters}):
    """Run the job; return {what}."""
    tasks = {tasks}
    job = {make_job}
    for results in {expression}(job, iter([tasks]), n_jobs{address}):
        found = {found}
    return found


if __name__ == "__main__":
    print(reprlib.repr(main({arguments})))
'''


def code_file(run: Run, library: str, name: str) -> str:
    """Return the program. ``run``: of a user's own job. Raises ValueError for an idiom that it has no program of."""
    idiom = run.idioms.get(name, Idiom())
    if not idiom.program:
        usable = [each for each, idiom in run.idioms.items() if idiom.program]
        raise ValueError(f"{library} has no idiom {name!r} with code: choose from {', '.join(map(repr, usable))}")
    path, connects = Path(str(run.inputs["job"])), idiom.traits.connects
    job, pattern = path.stem, str(run.inputs["pattern"])
    keeps = pattern == "state"
    file = f"{job}_{library}.py"
    return TEMPLATE.format(
        file=path.name,
        called=called((library, name)),
        started=run.started,
        command=f"python {file}{' ADDRESS' if connects else ''}",
        program=idiom.program,
        folder=str(path.parent),
        job=job,
        call="" if keeps else f"\n{NUMBERED}",
        parameters=f"{'address, ' if connects else ''}n_jobs={max(run.worker_counts)}",
        what="what combine() makes of all parts" if keeps else "the results in the order of the tasks",
        tasks="my_job.tasks()" if keeps else "[(number, *each) for number, each in enumerate(my_job.tasks())]",
        make_job=JOBS[pattern],
        expression=idiom.expression,
        address=", address=address" if connects else "",
        found="results" if keeps else "[result for _, result in sorted(results, key=lambda each: each[0])]",
        arguments="sys.argv[1]" if connects else "",
    )
