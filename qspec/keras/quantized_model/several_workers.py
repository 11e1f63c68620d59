"""Keras' `fit` and `evaluate` under `tf.distribute.MultiWorkerMirroredStrategy`, where Keras 3 raises."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf


class TrainedBySeveralWorkers(keras.Model):  # type: ignore[misc]
    """A model whose training takes several workers (keras-team/keras#20585: seen with Keras 3.15.1).

    Keras reduces what replicas give along a first axis, which numbers have not; and the first batch's whole structure,
    to know its shapes, as if it were one tensor.
    """

    def train_step(self, data: Any) -> Any:
        """As Keras' own."""
        return self._reducible(super().train_step(data))

    def test_step(self, data: Any) -> Any:
        """As Keras' own."""
        return self._reducible(super().test_step(data))

    def _reducible(self, logs: Any) -> Any:
        if not self._has_several_workers():
            return logs
        return keras.tree.map_structure(lambda value: tf.reshape(value, (1,)), logs)

    def _has_several_workers(self) -> bool:
        return isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if iterator is not None and self._has_several_workers():
            local = self.distribute_strategy.experimental_local_results
            *_, batches = next(iter(iterator))  # behind one or two numbers, by the version of Keras
            data_batch = keras.tree.map_structure(lambda value: local(value)[0], next(batches))
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)
