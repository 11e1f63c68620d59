"""The schema's data against LiteRT's generated module: every enumeration, table, field, type and default."""

from __future__ import annotations

import random
import struct

import pytest
from ai_edge_litert import schema_py_generated as schema

from qspec.graph.flatbuffer import Field
from qspec.graph.op_names import OP_NAMES
from qspec.graph.tflite_file import parse_tflite
from qspec.graph.tflite_schema import enumeration, layout
from tests.graph.litert_files import (
    code,
    known_enumerations,
    model,
    names_of,
    operator,
    option_tables,
    packed,
    snake,
    tensor,
)

TABLES = list(option_tables())
NOT_IN_LITERT_2_0 = {"quant_spec"}


@pytest.mark.parametrize("name", known_enumerations())
def test_an_enumeration_has_litert_names_and_values(name):
    theirs = names_of(name)

    assert theirs == dict(enumerate(enumeration(name)[: len(theirs)]))  # an older LiteRT knows fewer


def test_the_enumerations_are_all_that_fields_use():
    assert {"TensorType", "BuiltinOperator", "BuiltinOptions", "Padding", "ActivationFunctionType"} <= set(
        known_enumerations()
    )


def test_every_op_that_tables_can_name_is_one_of_the_schema():
    assert set(enumeration("BuiltinOperator")) - {"PLACEHOLDER_FOR_GREATER_OP_CODES"} == OP_NAMES - {"OPAQUE"}


@pytest.mark.parametrize(("union", "name"), TABLES, ids=[name for _, name in TABLES])
def test_a_table_has_litert_fields(union, name):
    fields = {snake(field) for field in vars(getattr(schema, f"{name}T")())}

    assert fields <= set(layout(name)) <= fields | NOT_IN_LITERT_2_0


@pytest.mark.parametrize(("union", "name"), TABLES, ids=[name for _, name in TABLES])
def test_absent_fields_have_litert_defaults(union, name):
    made = getattr(schema, f"{name}T")()
    defaults = {snake(field): value for field, value in vars(made).items()}
    attributes = attributes_read(union, made)

    for field, spec in read_fields(name):
        if spec.kind == "number":
            expected = spec.names[defaults[field]] if spec.names else defaults[field]
            assert (field, expected) == (field, attributes[field])


@pytest.mark.parametrize(("union", "name"), TABLES, ids=[name for _, name in TABLES])
def test_fields_are_read_as_litert_wrote_them(union, name):
    generator = random.Random(name)
    made = getattr(schema, f"{name}T")()
    expected = {}
    for field in vars(made):
        spec = layout(name).get(snake(field))
        if spec is not None and spec.kind != "bytes":
            value, expected[snake(field)] = sample(spec, generator)
            setattr(made, field, value)

    assert expected == attributes_read(union, made)


def test_a_byte_is_always_an_enumeration():
    for _, name in TABLES:
        for field, spec in layout(name).items():
            assert spec.code not in ("b", "B") or spec.kind == "bytes" or spec.names, f"{name}.{field}"


def read_fields(name):
    return [(field, spec) for field, spec in layout(name).items() if spec.kind != "bytes"]


def attributes_read(union, made):
    """A file of one op with these options, read back."""
    content = packed(model([code("ABS")], [tensor("a", (1,))] * 2, [operator(0, [0], [1], made, union)]))
    return dict(parse_tflite(content, "m.tflite").main.graph.ops[0].attributes)


def sample(spec: Field, generator: random.Random):
    """A value that is not the default, as LiteRT's classes take it and as ours give it."""
    if spec.kind == "text":
        return "shared", "shared"
    if spec.kind == "numbers":
        values = [number(spec, generator) for _ in range(generator.randrange(1, 6))]
        return values, tuple(spec.names[value] for value in values) if spec.names else tuple(values)
    value = number(spec, generator)
    while value == spec.default and len(spec.names) != 1:
        value = number(spec, generator)
    return value, spec.names[value] if spec.names else value


def number(spec: Field, generator: random.Random):
    if spec.names:
        return generator.randrange(len(spec.names))
    if spec.code == "?":
        return generator.random() < 0.5
    if spec.code == "f":
        return generator.randrange(-4096, 4096) / 64
    bits = 8 * struct.calcsize(f"<{spec.code}")
    unsigned = spec.code.isupper()
    return generator.randrange(0 if unsigned else -(2 ** (bits - 1)), 2 ** (bits if unsigned else bits - 1))
