"""UNIDIRECTIONAL_SEQUENCE_LSTM in TensorFlow: in float, and in integers as LiteRT's kernel computes them.

The integer kernel (LiteRT f674577, tflite/kernels/lstm_eval.cc, `LstmStepInteger8x8_16`) is followed to the last bit,
since what a step gets wrong all later ones read. Integers stand in float tensors where these hold them exactly, so that
gradients pass: each rounding is transparent to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import tensorflow as tf

from qspec.graph.ops import Op
from qspec.keras.kernels.tracing import is_for_a_file
from qspec.numerics.fixed_point import HIGHEST, LOWEST, sigmoid_table, tanh_table

GATES = 4
KERNELS, RECURRENT_KERNELS, BIASES = slice(1, 5), slice(5, 9), slice(12, 16)
"""Where the op's operands stand, a gate each: input, forget, candidate, output."""

GATE_WEIGHTS = (KERNELS, RECURRENT_KERNELS)

_GATE_BITS = 3  # integer bits of what enters a gate
_GATE_STEPS = 2.0 ** (15 - _GATE_BITS)  # of one
_STEPS_OF_ONE = 2.0**15  # of what a sigmoid or tanh gives
_EXACT = 2**24  # integers up to here are exact in float32


def lstm(op: Op, value: Any, *operands: Any) -> Any:
    """The op in float: the output of each step, [batch, steps, units]."""
    if is_for_a_file():
        return tf.zeros(())  # the file's operator is not the converter's
    given = (value, *operands)
    return _quickly(_float_lstm, value, *(tf.concat(list(given[part]), 0) for part in (*GATE_WEIGHTS, BIASES)))


def _quickly(function: Callable[..., Any], *tensors: Any) -> Any:
    """What *function* gives for *tensors*, as one graph: step by step from Python a sequence takes seconds."""
    if not tf.executing_eagerly():
        return function(*tensors)
    return _graph(function, tuple(tuple(tensor.shape) for tensor in tensors))(*tensors)


@lru_cache(maxsize=32)
def _graph(function: Callable[..., Any], shapes: tuple[tuple[int, ...], ...]) -> Any:
    return tf.function(function, autograph=False)  # one for each of the *shapes*: TensorFlow warns of many for one


def _float_lstm(value: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    projected = tf.matmul(_steps_first(value), kernel, transpose_b=True) + bias

    def step(state: Any, projected: Any) -> Any:
        hidden, cell = state
        gates = projected + tf.matmul(hidden, recurrent, transpose_b=True)
        enter, keep, candidate, show = tf.split(gates, GATES, axis=-1)
        cell = tf.sigmoid(keep) * cell + tf.sigmoid(enter) * tf.tanh(candidate)
        return tf.sigmoid(show) * tf.tanh(cell), cell

    zeros = tf.zeros_like(projected[0, :, : recurrent.shape[-1]])
    return _steps_second(tf.scan(step, projected, (zeros, zeros))[0])


def _steps_first(value: Any) -> Any:
    return tf.transpose(value, (1, 0, 2))


_steps_second = _steps_first


@dataclass(frozen=True, eq=False)
class LstmScales:
    """The scales (float32) of an integer LSTM, and the zero point of its output. `kernels` and `recurrent_kernels` are
    [4]: each gate's own."""

    input: Any
    output: Any
    zero_point: Any
    cell: Any
    kernels: Any
    recurrent_kernels: Any


@dataclass(frozen=True, eq=False)
class IntegerLstm:
    """What an integer LSTM gives, [batch, steps, units]: `output` on its grid, and what it and the cell state were
    before their codes could not hold them."""

    output: Any
    unlimited_output: Any
    unlimited_cell: Any


def integer_lstm(operands: Sequence[Any], scales: LstmScales) -> IntegerLstm:
    """The op on quantized values, which are multiples of the *scales*."""
    bias = [_rounded(bias, scales.input * scales.kernels[gate]) for gate, bias in enumerate(operands[BIASES])]
    kernel = _codes(operands[KERNELS], scales.kernels)
    recurrent = _codes(operands[RECURRENT_KERNELS], scales.recurrent_kernels)
    value = _rounded(operands[0], scales.input)
    own = (scales.input, scales.output, scales.zero_point, scales.cell, scales.kernels, scales.recurrent_kernels)
    output, *unlimited = _quickly(_integer_lstm, value, kernel, recurrent, tf.concat(bias, 0), *own)
    return IntegerLstm(tf.cast(output, operands[0].dtype), *unlimited)


def _integer_lstm(value: Any, kernel: Any, recurrent: Any, bias: Any, *own: Any) -> tuple[Any, Any, Any]:
    """From codes, the input's without its zero point, to what `IntegerLstm` holds."""
    scales, units = LstmScales(*own), recurrent.shape[-1]
    into_gates = _Multiplier.of(tf.repeat(scales.kernels * scales.input * _GATE_STEPS, units))
    sums = _product(_steps_first(value), kernel) + tf.cast(bias, "float64")
    projected = _within(_transparently_rescaled(sums, into_gates), LOWEST, HIGHEST)
    hidden, shown, unlimited = _Steps.of(scales, units).run(projected, recurrent)
    return (
        _steps_second(hidden) * scales.output,
        _steps_second(shown) * 2.0**-30,
        _steps_second(unlimited) * scales.cell,
    )


@dataclass(frozen=True, eq=False)
class _Steps:
    """The steps of an integer LSTM, from codes to codes. `added` is by how many bits the product of input gate and
    candidate is shifted; `lowest` and `highest` are the limits of the hidden state, less its zero point."""

    from_hidden: _Multiplier
    to_output: _Multiplier
    sigmoid: Any
    tanh: Any
    cell_tanh: Any
    cell_slope: Any  # of the cell's tanh, in terms of one of codes with three integer bits
    added: Any
    lowest: Any
    highest: Any

    @classmethod
    def of(cls, scales: LstmScales, units: int) -> _Steps:
        cell = tf.cast(tf.round(tf.math.log(scales.cell) / np.log(2.0)), "int32")  # the logarithm of its scale
        tanh = tf.constant(np.stack([tanh_table(bits) for bits in range(7)]))
        return cls(
            _Multiplier.of(tf.repeat(scales.recurrent_kernels * scales.output * _GATE_STEPS, units)),
            _Multiplier.of(tf.cast(1.0 / tf.cast(scales.output, "float64"), "float32") * 2.0**-30),
            tf.constant(sigmoid_table(_GATE_BITS), "float32"),
            tf.cast(tanh[_GATE_BITS], "float32"),
            tf.cast(tf.gather(tanh, 15 + cell), "float32"),
            _power_of_two(15 + cell - _GATE_BITS),
            30 + cell,
            -128 - scales.zero_point,
            127 - scales.zero_point,
        )

    def run(self, projected: Any, recurrent: Any) -> tuple[Any, Any, Any]:
        """The hidden state behind each step, [steps, batch, units], the product of output gate and tanh that it comes
        from, and the cell state before it saturates. The gradient is that of the steps without any rounding."""

        @tf.custom_gradient  # type: ignore[untyped-decorator]
        def run(projected: Any, recurrent: Any) -> Any:
            zeros = tf.zeros_like(projected[0, :, : recurrent.shape[-1]])
            step = partial(self._step, recurrent)
            hidden, cell, gates, tanh, unlimited = tf.scan(
                step, projected, (zeros, zeros, tf.zeros_like(projected[0]), zeros, zeros)
            )
            shown = gates[..., -recurrent.shape[-1] :] * tanh

            def gradient(upstream: Any, *_: Any) -> tuple[Any, Any]:
                into_gates = self._gradient(upstream, recurrent, cell, gates, tanh, unlimited)
                factored = into_gates * self.from_hidden.factor
                return into_gates, tf.einsum("tbg,tbu->gu", factored, _before(hidden))

            return (hidden, shown, unlimited), gradient

        return tuple(run(projected, recurrent))

    def _step(self, recurrent: Any, state: Any, projected: Any) -> Any:
        hidden, cell, *_ = state
        sums = _within(_rescaled(_product(hidden, recurrent), self.from_hidden) + projected, LOWEST, HIGHEST)
        enter, keep, candidate, show = tf.split(sums, GATES, axis=-1)
        enter, keep, show = (_looked_up(self.sigmoid, each) for each in (enter, keep, show))
        candidate = _looked_up(self.tanh, candidate)
        unlimited = _shifted_product(keep, cell, 15) + _shifted_product(enter, candidate, self.added)
        cell = _within(unlimited, LOWEST, HIGHEST)
        tanh = _looked_up(self.cell_tanh, cell)
        shown = tf.cast(show, "int64") * tf.cast(tanh, "int64")
        hidden = _within(_rescaled(shown, self.to_output), self.lowest, self.highest)
        return hidden, cell, tf.concat([enter, keep, candidate, show], -1), tanh, unlimited

    def _gradient(self, upstream: Any, recurrent: Any, cell: Any, gates: Any, tanh: Any, unlimited: Any) -> Any:
        """With respect to what enters the gates, [steps, batch, 4 units]; everything else as `run` has it."""
        enter, keep, candidate, show = tf.split(gates, GATES, axis=-1)
        shown = show * tanh * self.to_output.factor
        passes = tf.cast((shown > self.lowest - 0.5) & (shown < self.highest + 0.5), "float32") * self.to_output.factor
        by_cell = passes * show * _tanh_slope(tanh) * self.cell_slope
        held, added = tf.cast(cell == unlimited, "float32"), _power_of_two(-self.added)
        by_gates = (
            candidate * added * _sigmoid_slope(enter),
            _before(cell) * 2.0**-15 * _sigmoid_slope(keep),
            enter * added * _tanh_slope(candidate),
        )
        by_show = passes * tanh * _sigmoid_slope(show)

        def step(state: Any, given: Any) -> Any:
            hidden, cell, _ = state
            upstream, by_cell, held, keep, by_show, *by_gates = given
            hidden = hidden + upstream
            cell = (cell + hidden * by_cell) * held
            into = tf.concat([*(cell * by_gate for by_gate in by_gates), hidden * by_show], -1)
            return tf.matmul(into * self.from_hidden.factor, recurrent), cell * keep, into

        zeros = tf.zeros_like(cell[0])
        given = (upstream, by_cell, held, keep * 2.0**-15, by_show, *by_gates)
        return tf.scan(step, given, (zeros, zeros, tf.zeros_like(gates[0])), reverse=True)[2]


def _before(states: Any) -> Any:
    """The states before each step, from those behind it."""
    return tf.concat([tf.zeros_like(states[:1]), states[:-1]], 0)


# ---- functions: of codes with three integer bits, in steps of 2^-15


def _looked_up(table: Any, codes: Any) -> Any:
    return tf.gather(table, tf.cast(codes, "int32") - LOWEST)


def _sigmoid_slope(value: Any) -> Any:
    """In codes for one of what entered, from what it gave."""
    real = value / _STEPS_OF_ONE
    return real * (1.0 - real) * 2.0**_GATE_BITS


def _tanh_slope(value: Any) -> Any:
    return (1.0 - tf.square(value / _STEPS_OF_ONE)) * 2.0**_GATE_BITS


# ---- numbers


def _rounded(value: Any, scale: Any) -> Any:
    """The codes of *value*, which is a multiple of *scale* but for float errors."""
    steps = tf.cast(value, "float32") / tf.stop_gradient(scale)
    return steps + tf.stop_gradient(tf.round(steps) - steps)


def _codes(parts: Sequence[Any], scales: Any) -> Any:
    """Matrices of the gates one below the other, as codes."""
    return tf.concat([_rounded(part, scales[gate]) for gate, part in enumerate(parts)], 0)


def _product(codes: Any, weights: Any) -> Any:
    """Sums of products of codes, float64. In float32 they are exact as long as the sum is short enough."""
    exact = "float32" if weights.shape[-1] * 255 * 128 < _EXACT else "float64"
    return tf.cast(tf.matmul(tf.cast(codes, exact), tf.cast(weights, exact), transpose_b=True), "float64")


def _within(value: Any, lowest: Any, highest: Any) -> Any:
    return tf.clip_by_value(value, tf.cast(lowest, value.dtype), tf.cast(highest, value.dtype))


@dataclass(frozen=True, eq=False)
class _Multiplier:
    """A factor (float32), as LiteRT multiplies by it: a mantissa of 24 bits (int64), and shifts to the left before and
    to the right behind (int64)."""

    factor: Any
    mantissa: Any
    left: Any
    right: Any

    @classmethod
    def of(cls, factor: Any) -> _Multiplier:
        factor = tf.stop_gradient(factor)
        bits = tf.bitcast(factor, "int32")
        mantissa = tf.cast(tf.bitwise.bitwise_or(tf.bitwise.bitwise_and(bits, 0x7FFFFF), 0x800000), "int64")
        shift = tf.cast(tf.bitwise.right_shift(bits, 23), "int64") - 126
        return cls(factor, mantissa, tf.maximum(shift, 0), tf.minimum(tf.maximum(-shift, 0), 62))


def _rescaled(value: Any, multiplier: _Multiplier) -> Any:
    """Integers times a factor, float32: rounded behind the multiplication, ties up, and again behind the shift, ties
    away from zero (LiteRT, kernels/internal/common.cc, `MultiplyByQuantizedMultiplier`)."""
    integers = tf.bitwise.left_shift(tf.cast(value, "int64"), multiplier.left)
    high = tf.bitwise.right_shift(integers * multiplier.mantissa + 2**23, tf.constant(24, "int64"))
    return tf.cast(_shifted(high, multiplier.right), "float32")


def _transparently_rescaled(value: Any, multiplier: _Multiplier) -> Any:
    """The same, of float64, with the gradient of the product."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def rescaled(value: Any) -> Any:
        return _rescaled(value, multiplier), lambda upstream: tf.cast(upstream * multiplier.factor, value.dtype)

    return rescaled(value)


def _shifted(value: Any, bits: Any) -> Any:
    """int64 to the right, ties away from zero."""
    half = tf.bitwise.right_shift(tf.bitwise.left_shift(tf.ones_like(bits), bits), tf.ones_like(bits))
    below = tf.where(value < 0, tf.minimum(half, 1), 0)
    return tf.bitwise.right_shift(value + half - below, bits)


def _shifted_product(left: Any, right: Any, bits: Any) -> Any:
    """The product of two integers of 16 bits, shifted to the right by so many *bits*."""
    exact = tf.cast(left, "int64") * tf.cast(right, "int64")
    return tf.cast(_shifted(exact, tf.cast(bits, "int64")), "float32")


def _power_of_two(exponent: Any) -> Any:
    return tf.pow(2.0, tf.cast(exponent, "float32"))
