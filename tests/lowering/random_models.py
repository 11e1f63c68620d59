"""Random Keras models: chains that branch, merge, share layers, nest models, and compute with numbers in between.

A seed gives the same model always. Sizes stay small, and what sums many values is scaled down again, so that single
precision suffices to compare results.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

SHAPES: tuple[tuple[int, ...], ...] = ((6,), (5, 6), (4, 8), (8, 8, 3), (6, 7, 4), (3, 4, 5, 2))
"""The shapes of inputs, without the batch."""

ACTIVATIONS = (
    "relu", "relu6", "sigmoid", "tanh", "elu", "selu", "silu", "gelu", "softplus", "softsign", "hard_sigmoid",
    "leaky_relu", "softmax", "linear",
)  # fmt: skip

LARGEST = 600
"""No tensor of a model has more values than this by sample."""

LONGEST = 12
"""No sequence has more steps than this."""


def random_model(seed: int) -> Any:
    """A model of one or two inputs, about eight parts deep, with one to three outputs."""
    return _Maker(seed).make()


class _Maker:
    def __init__(self, seed: int) -> None:
        import keras

        self.random = random.Random(seed)
        self.keras = keras
        self.layers, self.ops = keras.layers, keras.ops
        self.shared: list[tuple[tuple[int, ...], Any]] = []

    def make(self) -> Any:
        shape = self.random.choice(SHAPES)
        count = self.random.choice((1, 1, 2))
        inputs = [self.keras.Input(shape, name=f"x{number}") for number in range(count)]
        tensors = list(inputs)
        for _ in range(self.random.randint(5, 10)):
            tensors.append(self.part(tensors))
        read = {id(tensor) for tensor in self._read_by(tensors)}
        ends = [tensor for tensor in tensors[count:] if id(tensor) not in read]
        unread = [tensor for tensor in inputs if id(tensor) not in read]
        outputs = ends[-3:] + [self.scaled(tensor) for tensor in unread]
        return self.keras.Model(inputs, outputs)

    def _read_by(self, tensors: Sequence[Any]) -> list[Any]:
        """The tensors that others were made from."""
        return [
            source
            for tensor in tensors
            for source in self.keras.tree.flatten(
                tensor._keras_history.operation._inbound_nodes[tensor._keras_history.node_index].input_tensors
            )
        ]

    def part(self, tensors: Sequence[Any]) -> Any:
        """A new tensor out of those there are: the newest likelier than the others."""
        tensor = tensors[-1] if self.random.random() < 0.75 else self.random.choice(tensors)
        makers = [
            (6, self.layer), (2, self.arithmetic), (2, self.operation), (1, self.residual), (1, self.nested),
            (1, self.again),
        ]  # fmt: skip
        partners = [other for other in tensors if other is not tensor and other.shape == tensor.shape]
        if partners:
            partner = self.random.choice(partners)
            makers.append((3, lambda one: self.merge(one, partner)))
        weights, choices = zip(*makers, strict=True)
        for _ in range(20):
            made = self.random.choices(choices, weights)[0](tensor)
            if made is not None and self._is_small(made):
                return made
        return self.scaled(tensor)

    def _is_small(self, tensor: Any) -> bool:
        size = 1
        for each in tensor.shape[1:]:
            size *= each
        return size <= LARGEST and len(tensor.shape) <= 5

    # ---- parts

    def scaled(self, tensor: Any) -> Any:
        """Values about as large as an input's."""
        return tensor * self.random.choice((0.1, 0.25, -0.2))

    def layer(self, tensor: Any) -> Any:
        layer, grows = self.random.choice(self.pool(tensor.shape))()
        result = layer(tensor, tensor) if isinstance(layer, self.layers.MultiHeadAttention) else layer(tensor)
        self.shared.append((tuple(tensor.shape), layer))
        return self.scaled(result) if grows else result

    def again(self, tensor: Any) -> Any:
        """A layer that was called before, on another tensor of that shape."""
        known = [layer for shape, layer in self.shared if shape == tuple(tensor.shape)]
        known = [layer for layer in known if not isinstance(layer, self.layers.MultiHeadAttention)]
        return self.scaled(self.random.choice(known)(tensor)) if known else None

    def residual(self, tensor: Any) -> Any:
        """Something of the same shape added to the tensor."""
        activation = self.random.choice(("relu", "tanh", "sigmoid", "silu"))
        branch = self.scaled(self.layers.Dense(tensor.shape[-1], activation=activation)(tensor))
        return self.random.choice((self.layers.Add(), lambda both: both[0] + both[1]))([tensor, branch])

    def nested(self, tensor: Any) -> Any:
        """A model inside the model, Sequential or Functional."""
        shape = tuple(tensor.shape[1:])
        first, grows = self.random.choice(self.pool(tensor.shape))()
        if isinstance(first, self.layers.MultiHeadAttention):
            return None
        inner = self.keras.Input(shape)
        middle = first(inner)
        if self.random.random() < 0.5:
            model = self.keras.Sequential([self.keras.Input(shape), first, self.layers.Activation("tanh")])
        else:
            model = self.keras.Model(inner, self.layers.Activation("tanh")(middle) + 0.5)
        self.shared.append((tuple(tensor.shape), model))
        del grows
        return model(tensor)

    def merge(self, left: Any, right: Any) -> Any:
        layers, ops = self.layers, self.ops
        return self.random.choice(
            [
                lambda: layers.Add()([left, right]),
                lambda: layers.Multiply()([left, right]),
                lambda: layers.Average()([left, right]),
                lambda: layers.Maximum()([left, right]),
                lambda: layers.Subtract()([left, right]),
                lambda: layers.Concatenate()([left, right]),
                lambda: left + right,
                lambda: left - right,
                lambda: left * right,
                lambda: ops.maximum(left, right),
                lambda: ops.minimum(left, right),
                lambda: ops.concatenate([left, right], axis=1),
                lambda: ops.stack([left, right], axis=1),
                lambda: ops.where(left > right, left, right * 0.5),
            ]
        )()

    def arithmetic(self, tensor: Any) -> Any:
        import numpy as np

        number = self.random.choice((0.5, 1.5, -0.75, 2))
        array = np.asarray([self.random.uniform(0.25, 1.0) for _ in range(tensor.shape[-1])], "float32")
        return self.random.choice(
            [
                lambda: tensor + number,
                lambda: number - tensor,
                lambda: tensor * number,
                lambda: tensor / 4,
                lambda: 2 * tensor - 1,
                lambda: (tensor + 1) * 0.5,
                lambda: tensor * array,
                lambda: tensor + array,
                lambda: -tensor,
                lambda: 1 / (abs(tensor) + 1),
                lambda: self.ops.tanh(tensor) ** 2,
            ]
        )()

    def operation(self, tensor: Any) -> Any:
        ops, rank = self.ops, len(tensor.shape)
        axis = self.random.randrange(1, rank)
        size = tensor.shape[axis]
        choices: list[Callable[[], Any]] = [
            lambda: ops.relu(tensor),
            lambda: ops.tanh(tensor),
            lambda: ops.sigmoid(tensor),
            lambda: ops.silu(tensor),
            lambda: ops.softmax(tensor),
            lambda: ops.abs(tensor),
            lambda: ops.clip(tensor, -0.5, 0.75),
            lambda: ops.maximum(tensor, 0.1),
            lambda: ops.sin(tensor),
            lambda: ops.flip(tensor, axis=axis),
            lambda: tensor - ops.mean(tensor, axis=axis, keepdims=True),
            lambda: ops.where(tensor > 0.1, tensor, 0.0),
            lambda: ops.expand_dims(tensor, axis),
        ]
        if size > 1:
            choices += [
                lambda: ops.roll(tensor, 1, axis=axis),
                lambda: ops.take(tensor, [0, size - 1], axis=axis),
                lambda: ops.concatenate(ops.split(tensor, [1], axis=axis)[::-1], axis=axis),
                lambda: ops.repeat(tensor, 2, axis=axis),
            ]
        if rank > 2:
            choices += [
                lambda: ops.max(tensor, axis=axis),
                lambda: ops.sum(tensor, axis=axis) * 0.2,
                lambda: ops.mean(tensor, axis=axis),
                lambda: tensor[:, 1:] if tensor.shape[1] > 1 else None,
                lambda: tensor[:, -1],
                lambda: ops.swapaxes(tensor, 1, rank - 1),
                lambda: ops.unstack(tensor, axis=1)[0],
                lambda: ops.reshape(tensor, (-1, tensor.shape[1] * tensor.shape[2], *tensor.shape[3:])),
            ]
        if rank == 3:
            choices += [
                lambda: ops.matmul(tensor, ops.swapaxes(tensor, 1, 2)) * 0.1,
                lambda: ops.einsum("bij,bik->bjk", tensor, tensor) * 0.1,
            ]
        return self.random.choice(choices)()

    # ---- layers by the rank of what they read

    def pool(self, shape: Sequence[int | None]) -> list[Callable[[], tuple[Any, bool]]]:
        """What makes a layer for a tensor of that shape, and whether its results are larger than its inputs."""
        layers = [
            *self._for_all(),
            *{2: self._flat, 3: self._sequences, 4: self._images, 5: self._volumes}[len(shape)](),
        ]
        known = dict(enumerate(shape))
        if len(shape) == 3 and (known[1] or 0) <= LONGEST:
            layers += self._recurrent()
        return layers

    def _for_all(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        activation = self.random.choice(ACTIVATIONS)
        units = self.random.randint(2, 6)
        return [
            lambda: (L.Dense(units, activation=activation), True),
            lambda: (L.Dense(units, use_bias=False), True),
            lambda: (L.Activation(activation), False),
            lambda: (L.ReLU(), False),
            lambda: (L.LeakyReLU(negative_slope=0.2), False),
            lambda: (L.BatchNormalization(), True),
            lambda: (L.Dropout(0.3), False),
            lambda: (L.Rescaling(0.5, offset=0.25), False),
            lambda: (L.Softmax(), False),
        ]

    def _normalizing(self, shape: Sequence[int | None]) -> list[Callable[[], tuple[Any, bool]]]:
        """What normalizes several values, not one: that has no deviation."""
        L = self.layers
        return [] if shape[-1] == 1 else [lambda: (L.LayerNormalization(), True), lambda: (L.RMSNormalization(), True)]

    def _flat(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        steps = self.random.randint(2, 4)
        return [
            lambda: (L.RepeatVector(steps), False),
            lambda: (L.Reshape((-1, 1)), False),
            lambda: (L.UnitNormalization(), False),
        ]

    def _sequences(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        units, size = self.random.randint(2, 5), self.random.choice((1, 2, 3))
        same = {"padding": "same"}
        return [
            lambda: (L.Conv1D(units, size, activation="relu", **same), True),
            lambda: (L.Conv1D(units, size, padding="causal"), True),
            lambda: (L.SeparableConv1D(units, size, **same), True),
            lambda: (L.DepthwiseConv1D(size, **same), True),
            lambda: (L.MaxPooling1D(2, strides=1, **same), False),
            lambda: (L.AveragePooling1D(2, strides=1, **same), False),
            lambda: (L.GlobalAveragePooling1D(), False),
            lambda: (L.GlobalMaxPooling1D(), False),
            lambda: (L.ZeroPadding1D(1), False),
            lambda: (L.UpSampling1D(2), False),
            lambda: (L.Flatten(), False),
            lambda: (L.Permute((2, 1)), False),
            lambda: (L.TimeDistributed(L.Dense(units, activation="tanh")), False),
            lambda: (L.MultiHeadAttention(2, 3), True),
        ]

    def _recurrent(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        units, sequences = self.random.randint(2, 4), self.random.random() < 0.5
        given = {"return_sequences": sequences}
        return [
            lambda: (L.LSTM(units, **given), False),
            lambda: (L.GRU(units, **given), False),
            lambda: (L.SimpleRNN(units, **given), False),
            lambda: (L.Bidirectional(L.LSTM(units, **given)), False),
        ]

    def _images(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        units, size, strides = self.random.randint(2, 5), self.random.choice((1, 2, 3)), self.random.choice((1, 2))
        same = {"padding": "same"}
        return [
            lambda: (L.Conv2D(units, size, strides=strides, activation="relu", **same), True),
            lambda: (L.Conv2D(units, (1, size), use_bias=False, **same), True),
            lambda: (L.DepthwiseConv2D(size, strides=strides, **same), True),
            lambda: (L.SeparableConv2D(units, size, **same), True),
            lambda: (L.Conv2DTranspose(units, size, **same), True),
            lambda: (L.MaxPooling2D(2, **same), False),
            lambda: (L.AveragePooling2D(2, strides=1, **same), False),
            lambda: (L.GlobalAveragePooling2D(), False),
            lambda: (L.GlobalMaxPooling2D(keepdims=True), False),
            lambda: (L.ZeroPadding2D(1), False),
            lambda: (L.UpSampling2D(2, interpolation="bilinear"), False),
            lambda: (L.Flatten(), False),
            lambda: (L.Permute((2, 1, 3)), False),
            lambda: (L.PReLU(shared_axes=[1, 2]), False),
            lambda: (L.Resizing(5, 5), False),
            lambda: (L.TimeDistributed(L.Dense(units)), True),
        ]

    def _volumes(self) -> list[Callable[[], tuple[Any, bool]]]:
        L = self.layers
        units = self.random.randint(2, 4)
        return [
            lambda: (L.Conv3D(units, 2, padding="same"), True),
            lambda: (L.MaxPooling3D(2, padding="same"), False),
            lambda: (L.GlobalAveragePooling3D(), False),
            lambda: (L.GlobalMaxPooling3D(), False),
            lambda: (L.Flatten(), False),
            lambda: (L.ZeroPadding3D(1), False),
            lambda: (L.TimeDistributed(L.Conv2D(units, 2, padding="same")), True),
            lambda: (L.ConvLSTM2D(units, 2, padding="same"), False),
        ]
