"""`qspec schema`"""

from __future__ import annotations

import argparse
import json

from qspec.cli.check import read_spec
from qspec.cli.output import complain
from qspec.diagnostics import SpecError
from qspec.schema import valid


def run(arguments: argparse.Namespace) -> int:
    """Print a spec as JSON, or the JSON Schema of all such documents; 1 if the spec has mistakes."""
    if arguments.spec is None:
        from qspec.schema.document_models import spec_schema

        document = spec_schema()
    else:
        try:
            document = valid(read_spec(arguments.spec)).to_dict()
        except SpecError as error:
            complain(error.diagnostics)
            return 1
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0
