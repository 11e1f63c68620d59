"""How far training has come: when ranges freeze, how fast they follow at first, and where random numbers stand."""

from __future__ import annotations

import random
from typing import Any, Literal

import keras
import tensorflow as tf
from keras import ops

Moment = tuple[Literal["steps", "epochs"], int]


class Schedule(keras.layers.Layer):  # type: ignore[misc]
    """Counts the training steps, and the epochs that `fit` has finished, over all runs of training: both are saved with
    the model. Ranges freeze after *limit*, if there is one."""

    def __init__(self, limit: Moment | None, **kwargs: Any) -> None:
        super().__init__(trainable=False, **kwargs)
        self.limit = limit
        counter: dict[str, Any] = {"dtype": "int32", "initializer": "zeros", "trainable": False}
        self.steps = self.add_weight(name="steps", aggregation="only_first_replica", **counter)
        self.epochs = self.add_weight(name="epochs", aggregation="only_first_replica", **counter)
        # Keras seeds its own generators so, and `keras.utils.set_random_seed` decides.
        start = keras.initializers.Constant(random.randrange(2**31 - 1))
        self.randomness = self.add_weight(name="randomness", **{**counter, "initializer": start})
        self.built = True

    def frozen(self) -> Any:
        """Whether ranges are frozen now, a boolean scalar."""
        if self.limit is None:
            return ops.convert_to_tensor(False)
        unit, count = self.limit
        return (self.steps if unit == "steps" else self.epochs) >= count

    def most_decay(self) -> Any:
        """The largest decay of a moving average whose first values say little: it is to follow fast at first, as
        TensorFlow's `ExponentialMovingAverage(num_updates)` does."""
        steps = ops.cast(self.steps, "float32")
        return (1.0 + steps) / (10.0 + steps)

    def seed(self, number: int) -> Any:
        """A seed for random numbers, [2] integers: another one for each *number*, step and replica; the same in a run
        that goes on from a saved model."""
        context = tf.distribute.get_replica_context()
        replica = 0 if context is None else context.replica_id_in_sync_group
        seed = tf.stack([self.randomness.value, self.steps.value])
        return tf.random.experimental.stateless_fold_in(tf.random.experimental.stateless_fold_in(seed, number), replica)

    def advance(self) -> None:
        """A training step was made."""
        self.steps.assign(self.steps + 1)


class CountEpochs(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the epochs that end. It stands before other callbacks, so that what those save is counted."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self.schedule = schedule

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch ended."""
        self.schedule.epochs.assign(self.schedule.epochs + 1)
