"""Trains a small model on one device or several, and writes what came of it. Run in a process of its own:

    python -m tests.keras.distributed_training DIRECTORY KIND …

KIND is `one`, `replicas` (two, in this process) or `workers` (as the environment's TF_CONFIG says).
"""

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
default { weights = w8, output = a8 }
rule head match Dense { weights = w8(range = learned), output = a8(range = learned_clip) }
rule middle match DepthwiseConv2D { output = a8(range = learned) }
train { batch_norm = track }
"""


def make_model():
    def normalized(value):
        return layers.BatchNormalization(momentum=0.8, synchronized=True)(value)

    image = keras.Input((8, 8, 3))
    value = layers.ReLU()(normalized(layers.Conv2D(4, 3)(image)))
    value = layers.ReLU()(normalized(layers.DepthwiseConv2D(3)(value)))
    return keras.Model(image, layers.Dense(3)(layers.GlobalAveragePooling2D()(value)))


def train(strategy, path):
    """Three epochs of two batches, the extremes of each in the second replica's part alone."""
    generator = np.random.default_rng(0)
    images = generator.normal(size=(32, 8, 8, 3)).astype(np.float32)
    targets = generator.normal(size=(32, 3)).astype(np.float32)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = qspec.apply(qspec.loads(SPEC), make_model(), calibration=images)
        model.compile(keras.optimizers.SGD(0.05), loss="mse")
    images[15::16] *= 3  # in the second half, and of an odd number: the second replica's, however a batch is divided
    data = tf.data.Dataset.from_tensor_slices((images, targets)).batch(16)
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    losses = model.fit(data.with_options(options), epochs=3, verbose=0).history["loss"]
    found = {f"{number}_{variable.path}": np.asarray(variable) for number, variable in enumerate(model.variables)}
    np.savez(path, losses=losses, **{name.replace("/", "."): value for name, value in found.items()})


def main(folder, *kinds):
    devices = [tf.config.LogicalDeviceConfiguration()] * 2
    if "workers" not in kinds:
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], devices)
    strategies = {
        "one": tf.distribute.get_strategy,
        "replicas": lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]),
        "workers": tf.distribute.MultiWorkerMirroredStrategy,
    }
    for kind in kinds:
        train(strategies[kind](), Path(folder) / kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
