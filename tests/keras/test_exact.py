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
    """The converter drops a RESHAPE that changes nothing."""

    def wrong(site):
        tensor = site.single_input()
        shape = site.shape(tensor)
        sizes = site.draft.constant(list(shape), (len(shape),))
        reshaped = site.write("RESHAPE", [tensor, sizes], shape, site.inner("same"))
        return site.write("SOFTMAX", [reshaped], shape, site.output, beta=1.0)

    monkeypatch.setitem(table.LOWERINGS, "Softmax", wrong)
    report = qspec.check(qspec.loads(SPEC), network(), exact=True)

    error = report.diagnostics[0]
    assert "QS604" == error.code
    assert "softmax" == error.layer
    assert "RESHAPE" in error.message


def test_other_numbers_are_an_error(monkeypatch: pytest.MonkeyPatch):
    def wrong(site):
        tensor = site.single_input()
        return site.write("LOGISTIC", [tensor], site.shape(tensor), site.output)

    monkeypatch.setitem(table.LOWERINGS, "Softmax", wrong)
    (error,) = qspec.check(qspec.loads(SPEC), network(), exact=True).diagnostics

    assert "QS604" == error.code
    assert "gives other numbers than the Keras model at its output `softmax`" in error.message


def test_on_the_command_line(tmp_path, capsys: pytest.CaptureFixture[str]):
    network().save(tmp_path / "m.keras")
    (tmp_path / "s.qspec").write_text(SPEC)

    status = main(["check", str(tmp_path / "s.qspec"), "--model", str(tmp_path / "m.keras"), "--exact"])

    printed = capsys.readouterr().out
    assert 0 == status
    # The ReLU is in its convolution.
    assert "TensorFlow's converter makes of the model what is predicted: 3 ops\n" in printed
    assert "no problems" in printed
