"""`qspec schema`"""

from __future__ import annotations

import argparse
import json

from qspec.cli.check import read_spec
from qspec.schema import valid


def run(arguments: argparse.Namespace) -> int:
    """Print a spec as JSON, or the JSON Schema of all such documents.

    Raises:
        SpecError: the spec has mistakes.
    """
    if arguments.spec is None:
        from qspec.schema.document_models import spec_schema

        document = spec_schema()
    else:
        document = valid(read_spec(arguments.spec)).to_dict()
    print(json.dumps(document, indent=2, ensure_ascii=False))
    return 0
