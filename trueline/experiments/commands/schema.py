"""schema: what a config may say, as JSON Schema, for editors and other programs."""

import argparse
import json
from typing import Any

from trueline.experiments.spec.config_schema import Config

HELP = "what a config may say, as JSON Schema"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing more."""


def main(options: argparse.Namespace) -> Any:
    schema = Config.model_json_schema()
    return schema if options.json else json.dumps(schema, indent=2).splitlines()
