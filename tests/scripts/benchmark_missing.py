"""A library that is not installed."""

from trial.script import idiom, needs, run

with needs("a_library_that_nobody_has"):
    import a_library_that_nobody_has

if __name__ == "__main__":
    run(shared={"any": idiom(a_library_that_nobody_has.map)})
