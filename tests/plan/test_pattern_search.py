"""The search for matches against an independent reading of the definition, and its worst cases."""

from __future__ import annotations

import random
import time

import pytest

from qspec.graph.layers import LayerGraph
from qspec.plan.index import LayerIndex
from qspec.plan.patterns import find
from qspec.plan.program import Program, compile_pattern
from qspec.plan.search import MOST_STEPS, Search
from qspec.schema import loads
from qspec.schema.spec import Spec
from tests.plan.layer_models import ModelBuilder
from tests.plan.pattern_oracle import Oracle

PLAIN = ("A", "B", "C")
MERGES = ("Add", "Join")
MEETING = ("Add", "Add", "Join", "any", 'Operation("Add")')


# ---- random graphs and patterns


def random_graph(chance: random.Random) -> LayerGraph:
    """A few layers: chains, merges of values that may be the same, layers called twice, outputs inside the model."""
    m = ModelBuilder()
    values = [m.input(4) for _ in range(chance.choice((1, 1, 2)))]
    shared = [m.layer(name) for name in PLAIN]
    for _ in range(chance.randrange(3, 9)):
        recent = values[-3:] if chance.random() < 0.8 else values
        if chance.random() < 0.4:
            inputs = [values[-1], *(chance.choice(values[-4:]) for _ in range(chance.choice((1, 1, 2))))]
            chance.shuffle(inputs)
            kind = chance.choice(MERGES)
            values.append(m.operation(kind, *inputs) if chance.random() < 0.3 else m(kind, *inputs))
        elif chance.random() < 0.15:
            values.append(m(chance.choice(shared), chance.choice(recent)))
        else:
            values.append(m(chance.choice(PLAIN), chance.choice(recent)))
    outputs = [values[-1], *(value for value in values[:-1] if chance.random() < 0.1)]
    return m.graph(*outputs)


class RandomPattern:
    """Text of a pattern; captures are named as they come, and asked for again in later inputs of merges."""

    def __init__(self, chance: random.Random, used: tuple[str, ...] = ()) -> None:
        self.chance, self.used = chance, used
        self.captures: list[str] = []
        self.count = 0

    def whole(self) -> str:
        """A chain, or one out of which a layer leads on past the rest of it, as in a residual block."""
        if self.chance.random() < 0.5:
            return self.chain(2)
        start = self.chance.choice(("any as x", "any as x", "any as x", "(A | Add) as x", "(any -> any?) as x"))
        self.captures.append("x")
        middle = self.chance.choice(("any", "any -> any?", "(A | any) as m -> any?", self.chain(1)))
        again = self.chance.choice(("x", "x", "x, ...", "x -> any", "(x | B)", "x -> B?"))
        block = f"{start} -> {middle} -> {self.chance.choice(MEETING)}({again})"
        if self.chance.random() < 0.3:
            block = f"{self.chance.choice(('Add', 'Join'))}({block}, any)"
        elif self.chance.random() < 0.2:
            block = f"Add({start} -> {middle}, {again})"
        return block + self.chance.choice(("", "", " -> any", " -> Add(any)"))

    def chain(self, depth: int, *, in_input: bool = False) -> str:
        steps = [self.step(depth, in_input=in_input)]
        steps += [self.step(depth) for _ in range(self.chance.choice((0, 0, 1, 1, 2)))]
        return " -> ".join(steps)

    def step(self, depth: int, *, in_input: bool = False) -> str:
        if in_input and self.captures and self.chance.random() < 0.4:
            return self.chance.choice(self.captures)
        part = self.part(depth, in_input)
        optional = "?" if self.chance.random() < 0.25 else ""
        if self.chance.random() < 0.3:
            name = f"c{self.count}"
            self.count += 1
            self.captures.append(name)
            return f"({part}){optional} as {name}"
        return f"({part}){optional}" if optional else part

    def part(self, depth: int, in_input: bool) -> str:
        kind = self.chance.random()
        if kind < 0.1 and self.used:
            return self.chance.choice(self.used)
        if depth and kind < 0.3:
            name = self.chance.choice((*MEETING, 'Operation("Join")'))
            inputs = [self.chain(depth - 1, in_input=True) for _ in range(self.chance.choice((1, 2, 2)))]
            return f"{name}({', '.join(inputs)}{', ...' if self.chance.random() < 0.3 else ''})"
        if depth and kind < 0.45:
            parts = [self.step(depth - 1, in_input=in_input) for _ in range(2)]
            return f"(({parts[0]}) | ({parts[1]}))"
        if depth and kind < 0.55:
            return f"({self.chain(depth - 1, in_input=in_input)})"
        return self.chance.choice((*PLAIN, "any", "any", *MERGES, 'Operation("Add")'))


def random_spec(chance: random.Random) -> Spec | None:
    """A rule with a pattern, and patterns that it may use; None where chance made no sense."""
    definitions = []
    for name in ("p", "q"):
        pattern = RandomPattern(chance)
        pattern.count = 100 if name == "p" else 200
        definitions.append(f"pattern {name} = {pattern.chain(1)}")
    text = "\n".join([*definitions, f"rule r match {RandomPattern(chance, ('p', 'q')).whole()} {{ all = float }}"])
    spec, diagnostics = loads(f"qspec 1\n{text}\n", "random.qspec")
    return spec if spec is not None and not diagnostics else None


def compare(seed: int) -> tuple[int, int]:
    """How many matches there are, and how many of them hold a layer that is asked for again; each as the definition has
    it."""
    chance = random.Random(seed)
    spec = None
    while spec is None:
        spec = random_spec(chance)
    graph = random_graph(chance)
    program = compile_pattern(spec.rules[0].pattern, spec.patterns)
    assert isinstance(program, Program)
    result = find(program, LayerIndex(graph))
    found = {
        match.first.index: (
            {call.index for call in match.calls},
            {name: {call.index for call in calls} for name, calls in match.captures.items()},
        )
        for match in result.matches
    }
    oracle = Oracle(graph, spec.patterns)
    expected = {}
    for call in graph.calls:
        reading = oracle.match(spec.rules[0].pattern, call.index)
        if reading is not None:
            captures = {name: set(calls) for name, (calls, _) in reading.captures.items()}
            expected[call.index] = (set(reading.calls), captures)

    text = spec.rules[0].span.source.text
    calls = [f"{call.index}: {call.layer.class_name}{[value.call for value in call.inputs]}" for call in graph.calls]
    told = f"seed {seed}\n{text}\n{calls} outputs {[value.call for value in graph.outputs]}"
    assert not result.given_up, told
    assert expected == found, told
    again = [program.reused & captures.keys() for _, captures in expected.values()]
    return len(expected), sum(map(bool, again))


def test_random_patterns_match_as_the_definition_says():
    counts = [compare(seed) for seed in range(1000)]

    assert sum(matches for matches, _ in counts) > 400
    assert sum(again for _, again in counts) > 30


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10, 110))
def test_many_random_patterns_match_as_the_definition_says(block):
    for seed in range(block * 100, block * 100 + 100):
        compare(seed)


# ---- worst cases: the number of steps is bounded


def ladder(rungs: int) -> LayerGraph:
    """x → Add(x, x') → Add …: from the end there are 2^rungs ways back."""
    m = ModelBuilder()
    x = m.input(4)
    for _ in range(rungs):
        x = m("Add", m("A", x), m("B", x))
    return m.graph(x)


def most_steps(pattern: str, graph: LayerGraph) -> tuple[int, int]:
    """How many matches there are, and the most steps that a search from one layer takes."""
    spec, diagnostics = loads(f"qspec 1\nrule r match {pattern} {{ all = float }}", "spec.qspec")
    assert not diagnostics
    assert spec is not None
    program = compile_pattern(spec.rules[0].pattern, spec.patterns)
    assert isinstance(program, Program)
    search = Search(program, LayerIndex(graph))
    matches, most = 0, 0
    for call in graph.calls:
        matches += search.match_from(call) is not None
        most = max(most, search.steps)
    return matches, most


def nested(pattern: str, inner: str, depth: int) -> str:
    """*pattern* with itself in place of each `_`, down to *inner*."""
    return inner if depth == 0 else pattern.replace("_", nested(pattern, inner, depth - 1))


def chain_of(class_name: str, length: int) -> LayerGraph:
    m = ModelBuilder()
    x = m.input(4)
    for _ in range(length):
        x = m(class_name, x)
    return m.graph(x)


@pytest.mark.parametrize(
    ("pattern", "graph", "bound"),
    [
        (" -> ".join(["any?"] * 40) + " -> Dense", chain_of("A", 60), 3000),
        (" -> ".join(["(A | any | (A -> A))?"] * 25) + " -> Dense", chain_of("A", 60), 8000),
        (nested("(_ | (_ -> A))", "A", 6) + " -> Dense", chain_of("A", 60), 3000),
        (" -> ".join(["any"] * 100), ladder(60), 200),
        (f"Add({' -> '.join(['any'] * 40)}, Dense)", ladder(60), 500),
        (f"Add({' -> '.join(['any?'] * 40)} -> Dense, any)", ladder(60), 6000),
        (nested("Add(_, _)", "Dense", 6), ladder(60), 500),
        (nested("Add(A(_) | B(_), A(_) | B(_))", "Dense", 2), ladder(60), 500),
        (f"any as x -> {' -> '.join(['any?'] * 20)} -> Add(x) -> Dense", ladder(60), 3000),
        (
            f"Add({' -> '.join(['any?'] * 15)} -> any as x, x -> {' -> '.join(['any?'] * 15)}) -> Dense",
            ladder(20),
            20_000,
        ),
    ],
)
def test_the_worst_patterns_take_few_steps(pattern, graph, bound):
    matches, most = most_steps(pattern, graph)

    assert 0 == matches
    assert most <= bound


def many_inputs(*classes: str) -> LayerGraph:
    m = ModelBuilder()
    x = m.input(4)
    inputs = [m(name, x) for name in classes]
    return m.graph(m("Concatenate", m("Add", *inputs), m("Multiply", *inputs)))


def test_more_parts_than_layers_for_them_does_not_take_factorial_time():
    graph = many_inputs(*["ReLU"] * 12, "Dense")
    matches, most = most_steps(f"Add({', '.join(['any'] * 11)}, Dense, Dense)", graph)

    assert 0 == matches
    assert most <= 500


def test_what_is_left_to_try_has_an_end():
    graph = many_inputs(*["ReLU"] * 12)
    names = [f"c{number}" for number in range(12)]
    parts = ", ".join(f"ReLU as {name}" for name in names)
    spec, _ = loads(f"qspec 1\nrule r match Concatenate(Add({parts}), Add({', '.join(names)})) {{ all = float }}", "x")
    program = compile_pattern(spec.rules[0].pattern, spec.patterns)
    assert isinstance(program, Program)
    m = ModelBuilder()
    x = m.input(4)
    inputs = [m("ReLU", x) for _ in range(12)]
    others = [m("ReLU", x) for _ in range(12)]
    graph = m.graph(m("Concatenate", m("Add", *inputs), m("Add", *others)))
    result = find(program, LayerIndex(graph))

    assert ["concatenate_27"] == [call.layer.path for call in result.given_up]
    assert MOST_STEPS < 10**6


def test_the_steps_in_a_whole_model_have_an_end():
    pattern = f"any as x -> {' -> '.join(['any?'] * 140)} -> any(x)"
    spec, _ = loads(f"qspec 1\nrule r match {pattern} {{ all = float }}", "spec.qspec")
    program = compile_pattern(spec.rules[0].pattern, spec.patterns)
    assert isinstance(program, Program)
    begin = time.process_time()
    result = find(program, LayerIndex(chain_of("A", 400)))

    assert () == result.matches
    assert len(result.given_up) > 100
    assert time.process_time() - begin < 60


@pytest.mark.parametrize("pattern", ["{} -> A", "any({} -> A)"])
def test_the_longest_patterns_fit_on_the_stack(pattern):
    parts = " -> ".join(f"((any as d{number})? as c{number})?" for number in range(148))
    spec, diagnostics = loads(f"qspec 1\nrule r match {pattern.format(parts)} {{ all = float }}", "spec.qspec")
    assert not diagnostics

    def deep(level: int) -> int:
        if level:
            return deep(level - 1)
        program = compile_pattern(spec.rules[0].pattern, spec.patterns)
        assert isinstance(program, Program)
        return len(find(program, LayerIndex(chain_of("A", 200))).matches)

    assert deep(500) >= 199
