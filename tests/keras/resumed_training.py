"""Trains a small model for four epochs; run in a process of its own:

    python -m tests.keras.resumed_training DIRECTORY WAY [EPOCH BATCH]

WAY is how it is saved after each epoch: `backup` (BackupAndRestore), `model` (ModelCheckpoint, the whole model) or
`checkpoint` (tf.train.Checkpoint, with a loop of its own). What the directory holds already is gone on from. With EPOCH
and BATCH the process kills itself there, in the way that it cannot prevent.
"""

import os
import signal
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers

import qspec

SPEC = """
qspec 1
import "std/int8.qspec"
default { weights = w8(rounding = stochastic), output = a8 }
rule head match Dense { weights = w8(range = learned), output = a8(range = learned_clip) }
rule middle match DepthwiseConv2D { output = a8(range = learned) }
train { batch_norm = track, freeze_ranges_after = epochs(3) }
"""
EPOCHS, BATCHES = 4, 3


def make_model():
    image = keras.Input((8, 8, 3))
    value = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3)(layers.GaussianNoise(0.1)(image))))
    value = layers.ReLU()(layers.BatchNormalization()(layers.DepthwiseConv2D(3)(value)))
    return keras.Model(image, layers.Dense(3)(layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(value))))


class Killer(keras.callbacks.Callback):
    """Ends the process at an epoch's batch."""

    def __init__(self, epoch=-1, batch=-1):
        super().__init__()
        self.moment, self.epoch = (epoch, batch), 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if (self.epoch, batch) == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)


def new_model(data):
    keras.utils.set_random_seed(0)
    model = qspec.apply(qspec.loads(SPEC), make_model(), calibration=data)
    model.compile(keras.optimizers.Adam(0.02), loss="mse")
    return model


def with_backup(folder, data, killer):
    model = new_model(data[0])
    backup = keras.callbacks.BackupAndRestore(str(folder / "backup"), delete_checkpoint=False)
    model.fit(*data, batch_size=8, epochs=EPOCHS, shuffle=False, callbacks=[backup, killer], verbose=0)
    return model


def with_model(folder, data, killer):
    saved = sorted(folder.glob("*.keras"))
    model = qspec.load_model(saved[-1]) if saved else new_model(data[0])
    save = keras.callbacks.ModelCheckpoint(str(folder / "{epoch:02d}.keras"))
    how = {"epochs": EPOCHS, "initial_epoch": len(saved), "shuffle": False, "verbose": 0}
    model.fit(*data, batch_size=8, callbacks=[save, killer], **how)
    return model


def with_checkpoint(folder, data, killer):
    model = new_model(data[0])
    optimizer, loss = keras.optimizers.Adam(0.02), keras.losses.MeanSquaredError()
    optimizer.build(model.trainable_variables)
    epochs = tf.Variable(0)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer, epochs=epochs)
    manager = tf.train.CheckpointManager(checkpoint, folder / "checkpoint", max_to_keep=1)
    manager.restore_or_initialize()

    @tf.function
    def step(images, targets):
        with tf.GradientTape() as tape:
            total = loss(targets, model(images, training=True)) + sum(model.losses)
        optimizer.apply_gradients(
            zip(tape.gradient(total, model.trainable_variables), model.trainable_variables, strict=True)
        )

    while epochs < EPOCHS:
        killer.on_epoch_begin(int(epochs))
        for batch in range(BATCHES):
            step(*(array[8 * batch : 8 * batch + 8] for array in data))
            killer.on_train_batch_end(batch)
        epochs.assign_add(1)
        manager.save()
    return model


def main(folder, way, *moment):
    tf.config.experimental.enable_op_determinism()
    folder, generator = Path(folder), np.random.default_rng(0)
    images = generator.normal(size=(8 * BATCHES, 8, 8, 3)).astype(np.float32)
    targets = generator.normal(size=(8 * BATCHES, 3)).astype(np.float32)
    ways = {"backup": with_backup, "model": with_model, "checkpoint": with_checkpoint}
    model = ways[way](folder, (images, targets), Killer(*map(int, moment)))
    found = {f"{number:03}": np.asarray(variable) for number, variable in enumerate(model.variables)}
    np.savez(folder / "variables", steps=np.asarray(model.schedule.steps), **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
