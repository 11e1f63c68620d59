"""What rests on a row that no source settles says so, in whatever form it is told."""

from __future__ import annotations

import json

import pytest

from qspec.diagnostics.render import RENDERERS
from qspec.lint import Report, check
from qspec.schema import loads
from tests.plan.layer_models import small_model

DOUBT = "no source settles this row: hearsay"


def report(target: str, rest: str = "") -> Report:
    text = f'qspec 1\nimport "std/int8.qspec"\n{target}\ndefault {{ weights = w8, output = a8 }}\n{rest}'
    spec, diagnostics = loads(text)
    assert () == diagnostics
    return check(spec, small_model())


CASES = {
    "QS401": ('target t { op any {}, op CONV_2D { input = uint8, unverified "hearsay" } }\ndeploy t', ""),
    "QS402": (
        'target t on tflite { op CONV_2D { weights = int8 per_channel(0), unverified "hearsay" } }\ndeploy t',
        "rule r match Conv2D { weights = w8_tensor }\n",
    ),
    "QS403": ('target t on tflite { op CONV_2D { refuse when true, unverified "hearsay" } }\ndeploy t', ""),
    "QS404": ('target t on tflite { op CONV_2D { warn when true, unverified "hearsay" } }\ndeploy t', ""),
}


@pytest.mark.parametrize("code", CASES)
def test_a_diagnostic_says_so(code: str) -> None:
    made = report(*CASES[code])
    found = next(item for item in made.diagnostics if item.code == code and item.op in ("CONV_2D", ""))

    assert DOUBT == found.help
    assert f"= help: {DOUBT}\n" in RENDERERS["full"](made.diagnostics, False, None)
    assert DOUBT in [item["help"] for item in made.to_dict()["diagnostics"]]


def test_the_placement_says_so_of_what_runs_and_of_what_does_not() -> None:
    target = """target t on tflite {
  op CONV_2D { input = int8, output = int8, unverified "hearsay" }
  op MEAN { input = uint8, output = uint8, unverified }
}
deploy t"""
    made = report(target)
    ops = {op["op"]: op for op in json.loads(made.to_json())["placement"][0]["ops"]}

    assert f"  unverified: CONV_2D: {DOUBT}" in made.placement_text().splitlines()
    assert "taken: uint8 (no source settles this row)" in made.placement_text()
    assert (True, True, "hearsay") == tuple(
        ops["CONV_2D"][key] for key in ("accelerated", "unverified", "unverified_reason")
    )
    assert (False, True, "") == tuple(ops["MEAN"][key] for key in ("accelerated", "unverified", "unverified_reason"))
    assert (False, False, "") == tuple(ops["ADD"][key] for key in ("accelerated", "unverified", "unverified_reason"))
