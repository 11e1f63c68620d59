"""Ranges that training learns: the step size (LSQ), and the upper end (PACT)."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from qspec.keras.kernels.fake_quantize import (
    Rounding,
    clipped_quantize,
    learned_quantize,
    range_parameters,
    round_steps,
)
from qspec.keras.quantized_model.ranges import ActivationRange, Seen
from qspec.numerics.parameters import SMALLEST_RANGE
from qspec.plan.plan import RangeGroup

# Without it nothing would ever make a clipping value smaller that no activation reaches; about what the paper takes for
# the weights of ResNets, and then for these too (Choi et al. 2018, 3.2 and 5).
CLIP_DECAY = 1e-4


class _Positive(keras.constraints.Constraint):  # type: ignore[misc]
    """Keeps a learned value from falling below the least."""

    def __init__(self, owner: LearnedValue) -> None:
        self.owner = owner

    def __call__(self, learned: Any) -> Any:
        return self.owner.positive(learned)


class LearnedValue(keras.layers.Layer):  # type: ignore[misc]
    """A positive number, or one for each channel, that training learns until ranges freeze.

    The trainable variable is the number over its `reference`, which is 1 unless it starts *relative* to what
    calibration found. Plain gradient descent moves the number as if it were the variable itself. Optimizers that divide
    by the size of the gradient move all variables by about as much, which for a scale of 0.01 would be far too much.

    An optimizer with momentum goes on moving what has no gradient, so a frozen value is a copy (`kept`), and `moving`
    (1, later 0) tells which of the two holds.
    """

    def __init__(
        self, shape: tuple[int, ...], least: float, *, relative: bool, regularizer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(dtype="float32", autocast=False, **kwargs)
        self.least, self.relative = float(least), relative
        given: dict[str, Any] = {"initializer": "ones", "trainable": False, "aggregation": "only_first_replica"}
        self.reference = self.add_weight(name="reference", shape=shape, **given)
        self.learned = self.add_weight(
            name="learned", shape=shape, initializer="ones", constraint=_Positive(self), regularizer=regularizer
        )
        self.kept = self.add_weight(name="kept", shape=shape, **given)
        self.moving = self.add_weight(name="moving", **given)
        self.built = True

    def positive(self, learned: Any) -> Any:
        """The variable, at least what the least number is over the reference."""
        return ops.maximum(learned, self.least / self.reference)

    def value(self) -> Any:
        """The number, or numbers, in their shape."""
        learned = _times(tf.convert_to_tensor(self.positive(self.learned)), tf.convert_to_tensor(self.reference))
        return ops.where(self.moving > 0, learned, self.kept)

    def start(self, value: Any) -> None:
        """Begin with what calibration found."""
        value = np.maximum(np.asarray(value, np.float32), self.least)
        reference = value if self.relative else np.ones_like(value)
        self.reference.assign(reference)
        self.learned.assign(value / reference)
        self.kept.assign(value)

    def follow(self, frozen: Any) -> None:
        """Keep this step's value, unless it is kept already; from now on only that one where *frozen* is true."""
        self.kept.assign(self.value())
        self.moving.assign(ops.where(frozen, 0.0, self.moving))


@tf.custom_gradient  # type: ignore[untyped-decorator]
def _times(learned: Any, reference: Any) -> Any:
    """The product, with a gradient that moves it as far as it would be moved without a reference."""
    return learned * reference, lambda upstream: (upstream / reference, None)


def least_scale(codes: tuple[int, int]) -> float:
    """The scale of the narrowest range."""
    return float(SMALLEST_RANGE) / (codes[1] - codes[0])


class LearnedScale(ActivationRange):
    """`learned`: the scale is a trainable variable; the zero point stays as calibration found it."""

    def __init__(self, group: RangeGroup, **kwargs: Any) -> None:
        super().__init__(group, **kwargs)
        self.trainable = True
        self.scale = LearnedValue((), least_scale(self.codes), relative=True, name="scale")

    def start(self, minimum: float, maximum: float, extremes: tuple[float, float]) -> None:
        """Begin with the scale of a calibrated range."""
        super().start(minimum, maximum, extremes)
        self.scale.start(super().parameters()[0])

    def parameters(self) -> tuple[Any, Any]:
        """Scale, learned, and zero point, float32 scalars."""
        return self.scale.value(), super().parameters()[1]

    def on_grid(self, value: Any, parameters: tuple[Any, Any], rounding: Rounding = round_steps) -> Any:
        """*value* on the grid of the group's *parameters*; the scale is learned from all elements of a sample."""
        elements = math.prod(size or 1 for size in value.shape[1:])
        quantized = learned_quantize(ops.cast(value, "float32"), *parameters, self.codes, elements, rounding)
        return ops.cast(quantized, value.dtype)

    def follow(self, seen: Seen, frozen: Any) -> None:
        """Nothing but training moves it."""
        self.scale.follow(frozen)


class LearnedClip(ActivationRange):
    """`learned_clip`: the upper end is a trainable variable; the lower one stays as calibration found it, or is the
    upper one's negative where the scheme is symmetric."""

    def __init__(self, group: RangeGroup, **kwargs: Any) -> None:
        super().__init__(group, **kwargs)
        self.trainable = True
        decay = keras.regularizers.L2(CLIP_DECAY)
        self.clip = LearnedValue((), float(SMALLEST_RANGE), relative=False, regularizer=decay, name="clip")

    def start(self, minimum: float, maximum: float, extremes: tuple[float, float]) -> None:
        """Begin with a calibrated range."""
        super().start(minimum, maximum, extremes)
        self.clip.start(max(maximum, -minimum) if self.symmetric else maximum)

    def parameters(self) -> tuple[Any, Any]:
        """Scale and zero point, float32 scalars."""
        clip = self.clip.value()
        return range_parameters(-clip if self.symmetric else self.minimum, clip, self.codes, symmetric=self.symmetric)

    def on_grid(self, value: Any, parameters: tuple[Any, Any], rounding: Rounding = round_steps) -> Any:
        """*value* on the grid of the group's *parameters*; the end is learned from what lies beyond it."""
        quantized = clipped_quantize(
            ops.cast(value, "float32"),
            self.clip.value(),
            (ops.stop_gradient(parameters[0]), parameters[1]),
            self.codes,
            symmetric=self.symmetric,
            rounding=rounding,
        )
        return ops.cast(quantized, value.dtype)

    def follow(self, seen: Seen, frozen: Any) -> None:
        """Nothing but training moves it."""
        self.clip.follow(frozen)


def range_of(group: RangeGroup, name: str) -> ActivationRange:
    """The range of *group*, of the kind that its quantizer asks for."""
    kinds = {"learned": LearnedScale, "learned_clip": LearnedClip}
    kind = kinds.get(group.quantizer.range.method, ActivationRange) if group.fixed is None else ActivationRange
    return kind(group, name=name)
