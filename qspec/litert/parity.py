"""Agreement of simulation and integers, in numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorParity:
    """One tensor, simulated from the interpreter's own integers, against the interpreter's.

    `largest` is the largest difference in LSB, `equal` the share of equal elements (0 to 1), `elements` how many there
    were. `op` is the kind of the op that wrote it, `layer` the Keras layer's path. `allowed` is how far its kernel may
    be from exact arithmetic, in LSB.
    """

    tensor: str
    layer: str
    op: str
    largest: int
    equal: float
    elements: int
    allowed: int = 1


@dataclass(frozen=True, slots=True)
class ProductParity:
    """A product in float with weights that are integers, whose result has no LSB: simulated from the interpreter's own
    values, its signal-to-noise ratio in dB against the interpreter's. The names as in `TensorParity`."""

    tensor: str
    layer: str
    op: str
    sqnr: float


@dataclass(frozen=True, slots=True)
class Parity:
    """Agreement tensor by tensor under LiteRT's built-in kernels, and of the outputs end to end.

    Tensor by tensor, MEAN and products with weights are simulated with the two roundings of the built-in kernels; the
    model itself rounds once, as XNNPACK does, so that there they may differ by 1 LSB from the built-in kernels more
    often. Beside weights alone that are integers, these two quantize the inputs differently in some ops, and `sqnr` is
    then far below `sqnr_fast`.

    `sqnr` is the signal-to-noise ratio in dB of the file's dequantized outputs against the simulated ones, `sqnr_fast`
    the same with the default kernels (XNNPACK); infinite where they are equal. `samples` were compared; `random` says
    that they were drawn at random because no data was given.
    """

    tensors: tuple[TensorParity, ...]
    sqnr: float
    sqnr_fast: float
    samples: int
    random: bool = False
    products: tuple[ProductParity, ...] = ()

    @property
    def worst(self) -> TensorParity | None:
        """The tensor with the largest difference, of those the one with the fewest equal elements."""
        return max(self.tensors, key=lambda tensor: (tensor.largest, -tensor.equal), default=None)

    @property
    def largest(self) -> int:
        """The largest difference in LSB over all tensors."""
        return max((tensor.largest for tensor in self.tensors), default=0)

    def by_op(self) -> Mapping[str, TensorParity]:
        """The worst tensor of each op kind: the largest difference, then the fewest equal elements."""
        worst: dict[str, TensorParity] = {}
        for tensor in self.tensors:
            known = worst.get(tensor.op)
            if known is None or (tensor.largest, -tensor.equal) > (known.largest, -known.equal):
                worst[tensor.op] = tensor
        return worst
