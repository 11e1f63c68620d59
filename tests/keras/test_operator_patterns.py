"""Patterns over what people write as `x + y` and `keras.ops.…`, in a model as Keras itself records it."""

from __future__ import annotations

import keras
import pytest

import qspec

SPEC = (
    'qspec 1\nimport "std/int8.qspec"\ndefault {{ weights = w8, output = a8 }}\nrule r match {} {{ output = float }}\n'
)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Two residual blocks with operators, the second with a convolution in its shortcut."""
    keras.backend.clear_session()  # operations are numbered through all models
    image = keras.Input((8, 8, 4), name="image")
    first = keras.layers.ReLU(name="r1")(keras.layers.Conv2D(4, 3, padding="same", name="c1")(image) + image)
    deep = keras.layers.Conv2D(8, 3, padding="same", name="c2")(first)
    total = keras.layers.Conv2D(8, 1, name="shortcut")(first) + deep
    joined = keras.ops.concatenate([total, first], axis=-1)
    return keras.Model(image, keras.layers.GlobalAveragePooling2D(name="mean")(joined))


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('any as start -> Conv2D -> Operation("Add")(start)', [["add", "c1", "image"]]),
        ('Operation("Add")(Conv2D, Conv2D)', [["add_1", "c2", "shortcut"]]),
        (
            'any as start -> Conv2D -> Operation("Add")((start | (start -> Conv2D as shortcut)))',
            [["add", "c1", "image"], ["add_1", "c2", "r1", "shortcut"]],
        ),
        ('Operation("Concatenate")(Operation("Add"), ...) -> any', [["add_1", "concatenate", "mean"]]),
        ('Operation("Concatenate")(ReLU, ...)', []),
        ("Add(any, any)", []),
    ],
)
def test_inputs_of_operations(model, pattern, expected):
    plan = qspec.check(qspec.loads(SPEC.format(pattern)), model).plan
    assert plan is not None
    (rule,) = plan.rules

    assert expected == [sorted(call.layer.name for call in match.calls) for match in rule.found.matches]
