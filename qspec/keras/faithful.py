"""Does the float file compute what the Keras model does? Everything behind it only compares with that file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import keras
import numpy as np

from qspec.diagnostics import Diagnostic, Place
from qspec.diagnostics.catalogue import LOWERING_DIFFERS
from qspec.keras.model import QuantizedModel
from qspec.litert.calibration import fixed_batches
from qspec.litert.float_file import FloatFile
from qspec.litert.verify import sqnr

# In dB. Sums in another order, and folded normalizations, leave 90 and more; quantization to 8 bits is at 20 to 50.
_LEAST = 60.0


def unfaithful_outputs(model: QuantizedModel, file: FloatFile, inputs: Sequence[np.ndarray]) -> Iterator[Diagnostic]:
    """An error for each output of reals that *file* gives otherwise than the float model, on one batch of *inputs*."""
    plan = model.plan
    batch = next(fixed_batches([array[: plan.batch or 1] for array in inputs], plan.batch))
    found = next(file.run([batch]))
    given = [keras.ops.convert_to_tensor(array) for array in batch]
    called = given[0] if len(given) == 1 else keras.tree.pack_sequence_as(model.float_model.input, given)
    with keras.StatelessScope(collect_losses=True):  # its losses are those of training alone
        wanted = keras.tree.flatten(model.float_model(called, training=False))
    for name, tensor, value in zip(model.output_names, plan.predicted.outputs, wanted, strict=True):
        expected = np.asarray(value)
        if expected.dtype.kind != "f" or not np.isfinite(expected).all():
            continue
        ratio = sqnr(expected, found[tensor]) if expected.shape == found[tensor].shape else float("-inf")
        if np.any(expected) and ratio < _LEAST:
            yield LOWERING_DIFFERS.at(
                Place(plan.layers.path),
                f"the lowered float model gives other numbers than the Keras model at its output `{name}`: "
                f"signal to noise is {ratio:.1f} dB",
                help="this is a defect of qspec's lowering table: please report it with the model's config",
            )
