"""A script of which some idioms go wrong: one that is right, one of each way that the suite treats differently."""

from benchmark_faulty import dies, hangs, raises, right, wrong_result

from trial.script import idiom, run

if __name__ == "__main__":
    run(shared={function.__name__: idiom(function) for function in (raises, hangs, dies, wrong_result, right)})
