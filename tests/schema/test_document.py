"""A spec as JSON is what the JSON Schema says, for every spec there is; and it says what the spec says."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

import qspec
from qspec._resources import resource
from qspec.schema.document_models import spec_schema

SPECS = sorted((*(resource("specs") / "examples").rglob("*.qspec"), *(resource("specs") / "std").glob("*.qspec")))
EVERYTHING = """qspec 1
import "std/int8.qspec"
layer Mine as Conv2D
target own on tflite { title = "Own", option speed = 2 in 1..3, op CONV_2D { input = int8, output = int8 } }
deploy own(speed = 3) as fast
quantizer blocks { type = int4, granularity = per_block(32), range = percentile(99.5) }
pattern pair = Conv2D as conv -> ReLU? as act
input { type = int8, range = fixed(-1, 1), batch = dynamic }
input["mask"] { type = float32 }
output { type = float16 }
default { weights = w8, output = a8, weights["kernel"] = w8(type = int4) }
rule first match pair where conv.filters >= 8   # a comment
  and not act { conv.weights = blocks, output[0] = float }
calibrate { samples = 8, batch = 2, seed = 3 }
train { batch_norm = track, freeze_ranges_after = epochs(2) }
require fast.coverage == 100% because "it is fast"
"""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    schema = spec_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_every_shipped_spec_fits_the_schema(validator, path: Path):
    document = json.loads(json.dumps(qspec.load(path).to_dict()))

    validator.validate(document)


def test_every_construct_fits_the_schema(validator):
    document = json.loads(json.dumps(qspec.loads(EVERYTHING).to_dict()))

    validator.validate(document)
    # No list is empty, so that every part of the schema was asked.
    assert [] == [name for name, value in document.items() if value == []]


def test_a_document_says_what_the_spec_says():
    document = qspec.loads(EVERYTHING, "every.qspec").to_dict()

    assert ["every.qspec", "std/int8.qspec"] == document["files"]
    (rule,) = document["rules"]
    assert ("first", "pair", "conv.filters >= 8 and not act") == (rule["name"], rule["pattern"], rule["where"])
    assert {"path": "every.qspec", "line": 12, "column": 6} == rule["place"]
    weights, output = rule["assignments"]
    assert ("conv", "weights", None) == (weights["part"], weights["slot"], weights["key"])
    assert ("int4", "symmetric", "per_block", 32) == tuple(
        weights["quantizer"][name] for name in ("type", "scheme", "granularity", "block_size")
    )
    assert {"method": "percentile", "arguments": [99.5]} == weights["quantizer"]["range"]
    assert ("output", 0, None) == (output["slot"], output["key"], output["quantizer"])
    assert [{"name": "pair", "pattern": "Conv2D as conv -> ReLU? as act"}] == document["patterns"]
    assert {"speed": 3} == document["deploys"][0]["options"]
    assert {"unit": "epochs", "count": 2} == document["train"]["freeze_ranges_after"]
    assert ["dynamic", None] == [block["batch"] for block in document["inputs"]]
    assert "it is fast" == document["requirements"][0]["reason"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("quantizers", 0, "type"), "int9"),
        (("quantizers", 0, "colour"), "red"),
        (("calibrate", "seed"), -1),
        (("rules", 0, "assignments", 0, "slot"), "wieghts"),
        (("version",), 2),
    ],
)
def test_the_schema_is_closed(validator, path: tuple[str | int, ...], value: object):
    document = json.loads(json.dumps(qspec.loads(EVERYTHING).to_dict()))
    part = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    assert not validator.is_valid(document)
