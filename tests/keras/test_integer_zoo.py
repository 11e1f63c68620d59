"""Every convolution, pooling, resizing and merging of the zoo as an integer file: each tensor within one unit in the
last place of its simulation."""

import keras
import numpy as np
import pytest

import qspec
from tests.lowering import zoo_convolutions, zoo_movement
from tests.lowering.own_lowering import randomize
from tests.versions import KERAS_OF_THE_ZOOS

pytestmark = KERAS_OF_THE_ZOOS

SPEC = """
qspec 1
import "std/int8.qspec"
input { batch = BATCH }
default { weights = w8, output = a8 }
"""

MODELS = {
    name: make
    for name, make in {**zoo_convolutions.models(), **zoo_movement.models()}.items()
    if not name.startswith("conv_3d")  # LiteRT has CONV_3D in float only
}

CASES = [
    pytest.param(name, batch, marks=() if (position + shift) % 16 == 0 else pytest.mark.slow)
    for position, name in enumerate(MODELS)
    for shift, batch in ((0, "1"), (8, "dynamic"))
]


@pytest.mark.parametrize(("name", "batch"), CASES)
def test_an_integer_file_computes_what_is_simulated(name, batch, tmp_path):
    model = MODELS[name]()
    randomize(model)
    generator = np.random.default_rng(0)
    shapes = [[size or 1 for size in tensor.shape[1:]] for tensor in keras.tree.flatten(model.input)]
    arrays = [generator.normal(size=(16, *shape)).astype("float32") for shape in shapes]
    data = arrays if len(arrays) > 1 else arrays[0]

    result = qspec.quantize(qspec.loads(SPEC.replace("BATCH", batch)), model, data, tmp_path / "m.tflite", samples=data)

    assert result.ok
    assert result.parity.largest <= 1
    assert result.parity.sqnr >= 25
