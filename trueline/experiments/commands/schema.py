"""schema: print the JSON Schema of configs, for editors and other programs."""

import argparse
import json
from typing import Any

from trueline.experiments.spec.config_schema import Config

HELP = "print the JSON Schema of configs"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add no options."""


def main(options: argparse.Namespace) -> Any:
    schema = Config.model_json_schema()
    return schema if options.json else json.dumps(schema, indent=2).splitlines()
