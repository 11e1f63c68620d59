"""The prediction held against the converter, on request."""

from __future__ import annotations

import pytest

pytest.importorskip("tensorflow")

import keras

import qspec
from qspec.cli.main import main
from qspec.lowering import table

SPEC = 'qspec 1\nimport "std/int8.qspec"\ndefault { weights = w8, output = a8 }\n'


def network() -> keras.Model:
    image = keras.Input((8, 8, 3))
    value = keras.layers.ReLU(name="relu")(keras.layers.Conv2D(4, 3, name="conv")(image))
    return keras.Model(image, keras.layers.Softmax(name="softmax")(keras.layers.Flatten()(value)))


def test_a_model_that_becomes_what_was_predicted():
    assert () == qspec.check(qspec.loads(SPEC), network(), exact=True).diagnostics


def test_what_differs_is_named_with_its_layer(monkeypatch: pytest.MonkeyPatch):
    def wrong(site):
        tensor = site.single_input()
        return site.write("LOGISTIC", [tensor], site.shape(tensor), site.output)

    def own_call(*arguments):
        return False

    monkeypatch.setitem(table.LOWERINGS, "Softmax", wrong)
    monkeypatch.setattr("qspec.keras.execution.computed_op_by_op", own_call)
    report = qspec.check(qspec.loads(SPEC), network(), exact=True)

    (error,) = report.diagnostics
    assert "QS604" == error.code
    assert "softmax" == error.layer
    assert "the converter makes SOFTMAX of it, predicted was LOGISTIC" in error.message


def test_on_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]):
    network().save(tmp_path / "m.keras")
    (tmp_path / "s.qspec").write_text(SPEC)

    status = main(["check", str(tmp_path / "s.qspec"), "--model", str(tmp_path / "m.keras"), "--exact"])

    assert 0 == status
    assert "no problems" in capsys.readouterr().out
