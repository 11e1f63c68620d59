"""The order in which Keras runs the calls of a Functional model.

The results do not depend on it, but for the masks that MultiHeadAttention takes away from the tensors that it reads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Key = tuple[str, int]
"""A layer's name, and which of its calls it is."""


def running_order(sources: Mapping[Key, Sequence[Key]], outputs: Sequence[Key]) -> list[Key]:
    """The calls that *outputs* need, in order; *sources* are the calls whose results a call reads, in its arguments'
    order.

    The farther from the outputs, the earlier; of those at one depth, what is met first on the way back from the outputs
    (`map_graph` of `keras/src/ops/function.py`).
    """
    depths: dict[Key, int] = {}
    of_layers: dict[str, int] = {}
    for key in reversed(_from_inputs(sources, outputs)):
        depth = max(depths.setdefault(key, 0), of_layers.get(key[0], 0))
        of_layers[key[0]] = depths[key] = depth
        for source in sources[key]:
            depths[source] = max(depth + 1, depths.get(source, 0))
    return sorted(depths, key=lambda key: -depths[key])


def _from_inputs(sources: Mapping[Key, Sequence[Key]], outputs: Sequence[Key]) -> list[Key]:
    """Every call behind those that it reads, depth first."""
    finished: dict[Key, None] = {}
    pending = list(reversed(outputs))
    open_: set[Key] = set()
    while pending:
        key = pending[-1]
        if key in open_ or key in finished:
            pending.pop()
            finished.setdefault(key)
        else:
            open_.add(key)
            pending += [source for source in reversed(sources[key]) if source not in finished]
    return list(finished)
