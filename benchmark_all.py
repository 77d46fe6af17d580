"""All libraries in interleaved blocks: ``python benchmark_all.py [WORKLOAD ...] [--libraries joblib ray]``.

A path in the place of a workload's name is a job of your own: ``python benchmark_all.py my_job.py``.

Each block holds every cell (library, workload, idiom, number of workers) once, in a new random order. This process
imports none of the libraries: every trial is a fresh interpreter that runs the library's own script.
"""

import sys
import tempfile

import harness.early  # noqa: F401
from harness import printing
from harness.cli import UserError, fail, parse, program_of
from harness.suite import measure
from report.numbers.own_job import said_of_job
from report.numbers.precision import widest_interval
from report.tables.selfcheck import print_self_check
from report.tables.workload import print_tables


def main() -> int:
    """Measure, print one table per workload; return 0, or 1 if a trial failed, or 130 if interrupted."""
    console = printing.console()
    try:
        settings = parse(sys.argv[1:])
        run = measure(settings, widest_interval, said_of_job, console)
    except UserError as error:
        fail(str(error), program_of(sys.argv[1:]))
    except OSError as error:
        where = error.filename or tempfile.gettempdir()
        fail(f"{where}: {error.strerror}. Trials that had ended are saved: --resume goes on", program_of(sys.argv[1:]))
    except KeyboardInterrupt:
        console.print("Interrupted. Every trial that had ended is saved: python utils.py shows them, --resume goes on.")
        return 130
    show = print_self_check if settings.self_check else print_tables
    show(settings.results, settings.workloads, console)
    console.print(f"{run.trials} trials, {run.failures} failed. Results: {settings.results}. Figures: python utils.py")
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(main())
