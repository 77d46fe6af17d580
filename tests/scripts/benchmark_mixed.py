"""A script of which some idioms go wrong: one that is right, one of each way that the suite treats differently."""

from benchmark_faulty import dies, hangs, raises, right, wrong_result

from trial.script import run

if __name__ == "__main__":
    run(
        numerical={
            "raises": raises,
            "hangs": hangs,
            "dies": dies,
            "wrong_result": wrong_result,
            "right": right,
        }
    )
