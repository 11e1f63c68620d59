"""The figures of a run of the zoo, summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

WAYS = ("post", "trained")


def summary(found: Mapping[str, Any]) -> str:
    """Cases, how many are well, what is left in float, and the worst figures by kind of op."""
    lines = [f"{len(found)} models, {sum('died' in figures for figures in found.values())} ended their process"]
    for way in WAYS:
        made = [figures[way] for figures in found.values() if way in figures]
        if made:
            lines += _way(way, made)
    return "\n".join(lines)


def _way(way: str, made: list[dict[str, Any]]) -> list[str]:
    whole = [figures for figures in made if "error" not in figures]
    floats = Counter(kind for figures in whole for kind in figures["float"])
    lines = [
        f"{way}: {len(made)}, of which {sum(figures['ok'] for figures in whole)} verified, "
        f"{len(made) - len(whole)} refused; {sum(not figures['floats'] for figures in whole)} without float ops; "
        f"float in the others: {', '.join(f'{kind} {count}' for kind, count in floats.most_common()) or 'none'}; "
        f"{sum(bool(figures['unexplained']) for figures in whole)} with one that is not explained",
    ]
    lines += [f"  {kind}: at most {largest} LSB, {equal:.2%} equal" for kind, (largest, equal) in worst(whole).items()]
    return lines


def worst(made: list[dict[str, Any]]) -> dict[str, tuple[int, float]]:
    """By kind of op: the largest difference (LSB) and the lowest share of equal elements of any tensor."""
    found: dict[str, tuple[int, float]] = {}
    for figures in made:
        for kind, (largest, equal, _) in figures["parity"].items():
            known = found.get(kind, (0, 1.0))
            found[kind] = max(known[0], largest), min(known[1], equal)
    return dict(sorted(found.items()))
