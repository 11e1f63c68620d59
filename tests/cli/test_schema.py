"""`qspec schema` prints the schema, and specs that fit it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from qspec._resources import resource
from tests.cli.command import qspec


def test_the_schema_alone_and_a_spec_that_fits_it(tmp_path: Path):
    schema, spec = qspec("schema", cwd=tmp_path), qspec("schema", DIGITS, cwd=tmp_path)

    assert [(0, ""), (0, "")] == [(done.code, done.err) for done in (schema, spec)]
    jsonschema.Draft202012Validator.check_schema(json.loads(schema.out))
    jsonschema.validate(json.loads(spec.out), json.loads(schema.out), jsonschema.Draft202012Validator)
    assert ["phone", "coral", "android"] == [deploy["name"] for deploy in json.loads(spec.out)["deploys"]]


def test_a_spec_with_mistakes_is_told_on_standard_error(tmp_path: Path):
    (tmp_path / "bad.qspec").write_text("qspec 1\ndefault { weights = w9 }\n", "utf-8")
    done = qspec("schema", "bad.qspec", cwd=tmp_path)

    assert (1, "") == (done.code, done.out)
    assert done.err.startswith("error[QS101]: quantizer `w9` is not defined")


def test_a_spec_comes_through_a_pipe(tmp_path: Path):
    done = qspec("schema", "-", cwd=tmp_path, text="qspec 1\ndeploy xnnpack\n")

    assert (0, "") == (done.code, done.err)
    assert ["xnnpack"] == [deploy["name"] for deploy in json.loads(done.out)["deploys"]]


DIGITS = resource("specs") / "examples" / "digits.qspec"
