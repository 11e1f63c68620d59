"""The layer classes of the installed Keras, each with the keys of its config: `python -m tests.schema.keras_layers`
writes the file of them that is shipped."""

from __future__ import annotations

import inspect
import json

import keras

from qspec.schema.keras_layers import SHIPPED

_GENERAL = ("dtype", "trainable")  # in every layer's config; `name` is asked of all layers, configured or not
_BASES = (keras.layers.Layer, keras.layers.Wrapper)


def layer_classes() -> dict[str, list[str]]:
    """Every class by its own name, with the arguments of its constructor that its config has."""
    found = {}
    for name in dir(keras.layers):
        kind = getattr(keras.layers, name)
        if inspect.isclass(kind) and issubclass(kind, keras.layers.Layer) and kind not in _BASES:
            parameters = inspect.signature(kind.__init__).parameters.values()
            keys = {item.name for item in parameters if item.kind is item.POSITIONAL_OR_KEYWORD} - {"self", "name"}
            written = "".join(inspect.getsource(each.get_config) for each in kind.__mro__ if "get_config" in vars(each))
            keys = {key for key in keys if f'"{key}"' in written}
            known_as = kind.__name__ if hasattr(keras.layers, kind.__name__) else name
            found[known_as] = sorted({*keys, *_GENERAL})
    return dict(sorted(found.items()))


def text() -> str:
    """What the file holds: a class on each line."""
    lines = (f"{json.dumps(name)}: {json.dumps(keys)}" for name, keys in layer_classes().items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    SHIPPED.write_text(text(), encoding="utf-8")
