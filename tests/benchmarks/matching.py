"""How long matching takes: 100 rules of mixed kinds against models of 2,500, 5,000 and 10,000 layers.

    python -m tests.benchmarks.matching [--repeat 5]

For each model, in seconds of processor time, the least of several runs: matching (finding what the patterns match and
what `where` keeps), the whole cascade (matching and the assignments, tensor by tensor), and the whole plan.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable, Iterator

from qspec.diagnostics import Diagnostic
from qspec.graph.layers import LayerGraph
from qspec.lowering import lower
from qspec.plan.cascade import make_cascade
from qspec.plan.conditions import select
from qspec.plan.index import LayerIndex
from qspec.plan.layer_attributes import Attributes
from qspec.plan.make import make_plan
from qspec.plan.patterns import find
from qspec.plan.program import compile_pattern
from qspec.plan.slots import SlotTable
from qspec.schema import loads
from qspec.schema.spec import Spec
from tests.plan.layer_models import ModelBuilder

SIZES = (2500, 5000, 10_000)
_IN_A_BLOCK = 10


def model(layers: int) -> LayerGraph:
    """Residual blocks of ten layers: two convolutions, a depthwise one, each with its normalization and activation, and
    the sum."""
    m = ModelBuilder()
    x = m.input(8, 8, 4, name="image")
    x = m("Conv2D", x, name="stem/conv", filters=4)
    for number in range(layers // _IN_A_BLOCK):
        block, entered = f"stage_{number // 50}/block_{number}", x
        for part in ("expand", "middle"):
            x = m("Conv2D", x, name=f"{block}/{part}", filters=4, kernel_size=[1, 1])
            x = m("BatchNormalization", x, name=f"{block}/{part}_bn")
            x = m("ReLU", x, name=f"{block}/{part}_relu", max_value=6.0)
        x = m("DepthwiseConv2D", x, name=f"{block}/depthwise")
        x = m("BatchNormalization", x, name=f"{block}/depthwise_bn")
        x = m("Activation", x, name=f"{block}/depthwise_act", activation="relu")
        x = m("Add", x, entered, name=f"{block}/add")
    x = m("GlobalAveragePooling2D", x, name="pool")
    return m.graph(m("Dense", x, name="head", activation="softmax"))


def spec_text() -> str:
    """100 rules: by class, by name and place, chains, alternatives, merges, residual blocks, many with `where`."""
    rules = list(_rules())
    lines = [f"rule r{number} match {match} {{ {assigns} }}" for number, (match, assigns) in enumerate(rules)]
    return "\n".join(
        ["qspec 1", 'import "std/int8.qspec"', "default { weights = w8, output = a8 }", *_PATTERNS, *lines]
    )


_PATTERNS = (
    "pattern conv_block = (Conv2D | DepthwiseConv2D) as conv -> BatchNormalization? -> (ReLU | Activation)? as act",
    "pattern residual = any as start -> conv_block as first -> conv_block as second -> conv_block as third"
    " -> Add(start) as sum",
)


def _rules() -> Iterator[tuple[str, str]]:
    for number in range(10):
        yield f'Conv2D where path like "stage_{number}/**"', "weights = w8"
        yield f'any where name like "block_{number}*/*_relu" or path like "stage_{number}/*/add"', "output = a8"
        yield f"Conv2D where index == {number} or index == -{number + 1}", "weights = w8"
        yield f"DepthwiseConv2D where index in {number}..{100 * number}", "weights = w8"
        yield f"Conv2D as c{number} -> BatchNormalization? -> ReLU? as act", f"c{number}.weights = w8"
        yield f'conv_block where conv.path like "stage_{number}/**" and act', "output = a8"
        yield f"(ReLU | Activation) as a{number} -> (Conv2D | Add | Dense)", f"a{number}.output = a8"
        yield f"Add(BatchNormalization -> Activation as a{number}, ...)", f"a{number}.output = a8"
        yield f"Add(conv_block as block{number}, any) -> (Conv2D | GlobalAveragePooling2D)", "output = a8"
    for number in range(5):
        yield f'residual where sum.path like "stage_{number}/**"', "sum.output = a8"
        yield f'any -> any as middle{number} -> any where middle{number}.class == "Conv2D"', "weights = w8"


def _least(repeat: int, work: Callable[[], object]) -> float:
    """The least processor time of several runs, in seconds. As in the command, the garbage collector looks seldom."""
    gc.set_threshold(200_000, 20, 20)
    times = []
    for _ in range(repeat):
        gc.collect()
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


def matching(spec: Spec, known: Attributes) -> int:
    """How many matches there are in all."""
    count, searched = 0, {}
    for rule in spec.rules:
        text = rule.pattern.span.source.text[rule.pattern.span.start : rule.pattern.span.end]
        if text not in searched:
            program = compile_pattern(rule.pattern, spec.patterns)
            assert not isinstance(program, Diagnostic)
            searched[text] = program, find(program, known.index)
        program, found = searched[text]
        count += len(select(rule.where, program, found.matches, known).matches)
    return count


def measure(layers: int, repeat: int) -> tuple[int, float, float, float]:
    """Matches in a model of so many layers; the times of matching, of the cascade and of the plan."""
    graph = model(layers)
    spec, diagnostics = loads(spec_text(), "hundred.qspec")
    assert spec is not None
    assert not diagnostics, diagnostics[0]
    assert len(spec.rules) == 100
    ops, _ = lower(graph)

    def fresh() -> Attributes:
        return Attributes(LayerIndex(graph), ops)

    def cascade() -> object:
        known = fresh()
        return make_cascade(spec, SlotTable(known.index, ops), known)

    matches = matching(spec, fresh())
    times = (lambda: matching(spec, fresh()), cascade, lambda: make_plan(spec, graph))
    return matches, *(_least(repeat, work) for work in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--repeat", type=int, default=3)
    arguments = parser.parse_args()
    print("layers   matches  matching   cascade      plan   (s; 100 rules)")
    before: tuple[float, ...] = ()
    for layers in SIZES:
        matches, *times = measure(layers, arguments.repeat)
        print(f"{layers:6}  {matches:8}  " + "  ".join(f"{each:8.3f}" for each in times))
        if before:
            print(
                "                  "
                + "  ".join(f"  x {now / old:4.2f}" for now, old in zip(times, before, strict=True))
            )
        before = tuple(times)


if __name__ == "__main__":
    main()
