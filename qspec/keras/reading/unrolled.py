"""A recurrent layer around a cell of the user's own, step by step, so that the code of the cell can be looked into."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from qspec.lowering.recurrent import MAXIMUM_STEPS


def unrolled(layer: Any, sequence: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
    """What `keras.layers.RNN.call` gives, without a loop: at most `MAXIMUM_STEPS` steps, no mask.

    Raises:
        ValueError: the layer does something else besides.
    """
    steps = sequence.shape[1]
    if mask is not None or layer.stateful or steps is None or steps > MAXIMUM_STEPS:
        raise ValueError(f"it has a mask, keeps its state, or takes more than {MAXIMUM_STEPS} steps")
    states = _first_states(layer, sequence) if initial_state is None else keras.tree.flatten(initial_state)
    results = []
    for step in reversed(range(steps)) if layer.go_backwards else range(steps):
        result, states = layer.cell(sequence[:, step], states)
        states = states if isinstance(states, list | tuple) else [states]
        results.append(result)
    output = ops.stack(results, axis=1) if layer.return_sequences else results[-1]
    return (output, *states) if layer.return_state else output


def _first_states(layer: Any, sequence: Any) -> list[Any]:
    """Zeros, as many for each sample as a state has values."""
    own = getattr(type(layer.cell), "get_initial_state", None)
    if own is not None:
        raise ValueError("its cell begins with states of its own")
    sizes = keras.tree.flatten(layer.cell.state_size)
    zero = ops.zeros_like(sequence[:, 0, :1])
    return [ops.tile(zero, (1, int(size))) if size != 1 else zero for size in sizes]
