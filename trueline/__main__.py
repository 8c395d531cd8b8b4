"""python -m trueline VERB: one command line for everything that is not a stage of the pipeline."""

import runpy
import sys

VERBS = {  # verb: the module that runs it, the words that stand before the caller's, and what it does
    "benchmarks": ("trueline.benchmarks", [], "measure a claim: speed, memory, faults found"),
    "experiments": ("trueline.experiments", [], "run, list, compare, promote and roll back experiments"),
    "gap": ("stages.diagnose", ["gap"], "explain why backtest and production differ"),
    "samples": ("trueline.samples", [], "write the sample of a task again"),
    "serve": ("trueline.service", [], "answer over HTTP with a model"),
    "today": ("stages.diagnose", ["today"], "tell one day's alert level; the exit code tells cron"),
}


def main(arguments: list[str]) -> None:
    """Run the verb that the first word names with the words after it; without one, print what there is."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m trueline VERB [...]\n")
        print("\n".join(f"  {verb:<12} {purpose}" for verb, (_, _, purpose) in VERBS.items()))
        sys.exit(0 if arguments else 2)
    verb, *words = arguments
    if verb not in VERBS:
        sys.exit(f"trueline: {verb!r} is no verb; allowed: {', '.join(VERBS)}.")
    module, first_words, _ = VERBS[verb]
    sys.argv = [f"python -m trueline {verb}", *first_words, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
