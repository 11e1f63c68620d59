"""The quick look at a block's values never takes what its pydantic model would not."""

from itertools import product

import pytest
from pydantic import ValidationError

from qspec.schema import loads, models
from qspec.schema.blocks import _model, _surely_fits
from qspec.schema.values import Text

VALUES = [
    *("int2", "int8", "int16", "uint8", "int64", "float16", "float32", "int9", "symmetric", "asymmetric", "dynamic"),
    *("half_away", "half_even", "stochastic", "fold", "track", "keep", "true", ""),
    *(True, False, None, 0, 1, -1, 2**31 - 1, 2**31, 2**40, 1.0, 2.5, Text("int8"), ("steps", 1)),
]


@pytest.mark.parametrize("kind", ["quantizer", "boundary", "calibrate", "train"])
def test_what_surely_fits_is_valid(kind):
    model = _model(kind)
    names = [name for name in model.model_fields if name not in ("range", "granularity", "block_size")]
    taken = 0
    for name, value in product(names, VALUES):
        if name != "freeze_ranges_after" and _surely_fits(kind, name, value):
            model.model_validate({name: value})
            taken += 1

    assert taken >= 3


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (models.QuantizerBlock, {"type": "int9"}),
        (models.QuantizerBlock, {"narrow": 1}),
        (models.QuantizerBlock, {"colour": "red"}),
        (models.CalibrateBlock, {"samples": 0}),
        (models.CalibrateBlock, {"samples": True}),
        (models.BoundaryBlock, {"batch": "many"}),
        (models.TrainBlock, {"batch_norm": "flod"}),
    ],
)
def test_models_are_strict_and_closed(model, values):
    with pytest.raises(ValidationError):
        model.model_validate(values)


@pytest.mark.parametrize("type_", ["int2", "int3", "int4", "int5", "int6", "int7"])
@pytest.mark.parametrize("side", ["input", "output"])
def test_a_type_of_tensors_inside_is_none_of_the_ends(side, type_):
    (error,) = loads(f"qspec 1\n{side} {{ type = {type_} }}\n")[1]

    assert ("QS201", type_) == (error.code, error.span.source.text[error.span.start : error.span.end])
    assert "`type` is `float32`, `float16`, `int8`, `uint8` or `int16` here" == error.help
