"""python -m trueline VERB: the command line for everything that is not a stage of the pipeline."""

import runpy
import sys

from trueline.core.runtime.console import replace_unknown_letters

VERBS = {  # verb: the module that runs it, the arguments put before the user's, and its purpose
    "audit": ("trueline.experiments", ["audit"], "check that predictions do not depend on what they are scored on"),
    "benchmarks": ("trueline.benchmarks", [], "measure a claim about speed, memory or detected faults"),
    "daily": ("trueline.daily", [], "take in new files, run the pipeline, predict the card and report the day"),
    "experiments": ("trueline.experiments", [], "run, list, compare, promote and roll back experiments"),
    "export": ("trueline.service.export", [], "write promoted models into a folder, to serve them without git"),
    "gap": ("stages.diagnose", ["gap"], "explain why backtest and production differ"),
    "predict": ("trueline.predict", [], "predict a card, or what is to come in the source, and log it"),
    "samples": ("trueline.samples", [], "regenerate the sample data of a task"),
    "serve": ("trueline.service", [], "serve a model over HTTP"),
    "sources": ("stages.prepare", ["sources"], "list the downloads that are read unedited, with their columns"),
    "today": ("stages.diagnose", ["today"], "print the alert level of one day; the exit code is for cron"),
    "worker": ("trueline.core.compute.start_worker", [], "compute jobs of stages for a Dask scheduler"),
}


def main(arguments: list[str]) -> None:
    """Run the verb in the first argument with the arguments after it; without a verb, print the list of verbs."""
    replace_unknown_letters()
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: python -m trueline VERB [...]\n")
        print("\n".join(f"  {verb:<12} {purpose}" for verb, (_, _, purpose) in VERBS.items()))
        sys.exit(0 if arguments else 2)
    verb, *further_words = arguments
    if verb not in VERBS:
        sys.exit(f"trueline: {verb!r} is not a known verb; allowed: {', '.join(VERBS)}.")
    module, first_words, _ = VERBS[verb]
    sys.argv = [f"python -m trueline {verb}", *first_words, *further_words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
