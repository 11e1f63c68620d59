"""The rules that `qspec.numerics.quantize` documents, held against the kernels in one-op files."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from qspec.numerics import code_type, dequantize, exact_parameters, quantize

SEED = 11
REFERENCE = OpResolverType.BUILTIN_REF
BUILT_IN = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
XNNPACK = OpResolverType.AUTO
RESOLVERS = [REFERENCE, BUILT_IN, XNNPACK]
CODES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}
ZERO_POINTS = [("int8", -128), ("int8", -7), ("int8", 0), ("uint8", 0), ("uint8", 121), ("int16", 0)]
CASES = pytest.mark.parametrize(("type_", "zero_point"), ZERO_POINTS)
SCALES = pytest.mark.parametrize("scale", [2.0**-6, 0.0173, 1 / 255])


def one_op_file(kind, types, size, parameters):
    """A model of a single QUANTIZE or DEQUANTIZE over a vector."""

    def tensor(type_):
        quantization = schema.QuantizationParametersT()
        if type_ != "float32":
            quantization.scale, quantization.zeroPoint = [float(parameters.scale)], [int(parameters.zero_point)]
        made = schema.TensorT()
        made.name, made.shape, made.buffer, made.quantization = type_, [size], 0, quantization
        made.type = getattr(schema.TensorType, type_.upper())
        return made

    code, op, graph, model = schema.OperatorCodeT(), schema.OperatorT(), schema.SubGraphT(), schema.ModelT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = 2
    op.opcodeIndex, op.inputs, op.outputs = 0, [0], [1]
    graph.tensors, graph.inputs, graph.outputs, graph.operators = [tensor(type_) for type_ in types], [0], [1], [op]
    model.version, model.buffers, model.operatorCodes, model.subgraphs = 3, [schema.BufferT()], [code], [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(kind, types, values, parameters, resolver):
    model = one_op_file(kind, types, len(values), parameters)
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def parameters_of(type_, scale, zero_point):
    lowest, highest = CODES[type_]
    return exact_parameters(scale, zero_point, lowest=lowest, highest=highest)


def probes(parameters):
    """Every code's value, every tie as near as float32 comes to it, values beyond the ends, and random ones."""
    low, high = parameters.lowest - int(parameters.zero_point), parameters.highest - int(parameters.zero_point)
    steps = np.arange(low - 3, high + 4, 0.5).astype(np.float32)
    random = np.random.default_rng(SEED).uniform(1.1 * low - 9, 1.1 * high + 9, 20_000).astype(np.float32)
    return np.concatenate([steps, random]) * parameters.scale


@CASES
@SCALES
def test_the_reference_kernel_quantizes_as_we_do(type_, zero_point, scale):
    parameters = parameters_of(type_, scale, zero_point)
    values = probes(parameters)

    assert np.array_equal(
        run("QUANTIZE", ("float32", type_), values, parameters, REFERENCE), quantize(values, parameters)
    )


@CASES
@SCALES
@pytest.mark.parametrize("resolver", [BUILT_IN, XNNPACK])
def test_the_fast_kernels_multiply_by_the_reciprocal_and_take_ties_to_even(type_, zero_point, scale, resolver):
    parameters = parameters_of(type_, scale, zero_point)
    values = probes(parameters)
    steps = np.rint(values * (np.float32(1) / parameters.scale))
    expected = np.clip(steps + zero_point, parameters.lowest, parameters.highest)
    found = run("QUANTIZE", ("float32", type_), values, parameters, resolver)

    assert np.array_equal(expected, found)
    # That is our own half-even, but for what float32 noise takes across a tie.
    exact = values.astype(np.float64) / float(parameters.scale)
    at_tie = np.abs(np.abs(exact - np.trunc(exact)) - 0.5) <= np.abs(exact) * 2.0**-22
    assert np.array_equal(quantize(values, parameters, "half_even")[~at_tie], found[~at_tie])
    assert at_tie.mean() < (0.9 if type_ == "int16" else 0.1)


@CASES
@pytest.mark.parametrize("resolver", RESOLVERS)
def test_ties_at_a_scale_that_divides_exactly(type_, zero_point, resolver):
    """At a scale of 2^-6 no kernel has rounding noise: the tie rule is all there is."""
    parameters = parameters_of(type_, 2.0**-6, zero_point)
    values = probes(parameters)
    rounding = "half_away" if resolver is REFERENCE else "half_even"

    found = run("QUANTIZE", ("float32", type_), values, parameters, resolver)
    assert np.array_equal(quantize(values, parameters, rounding), found)


@pytest.mark.parametrize(("type_", "zero_point"), [case for case in ZERO_POINTS if case[0] != "int16"])
def test_xnnpack_saturates_infinity_as_we_do(type_, zero_point):
    parameters = parameters_of(type_, 0.0173, zero_point)
    values = np.array([np.inf, -np.inf, 3e38, -3e38, 1e9, -1e9], np.float32)

    found = run("QUANTIZE", ("float32", type_), values, parameters, XNNPACK)
    assert np.array_equal(quantize(values, parameters), found)


@CASES
@SCALES
@pytest.mark.parametrize("resolver", RESOLVERS)
def test_dequantize(type_, zero_point, scale, resolver):
    """The built-in kernel rounds twice; every other one rounds the exact product, as we do."""
    parameters = parameters_of(type_, scale, zero_point)
    codes = np.arange(parameters.lowest, parameters.highest + 1).astype(code_type(*CODES[type_]))
    expected = dequantize(codes, parameters)
    if resolver is BUILT_IN:
        expected = codes.astype(np.float32) * parameters.scale + np.float32(-zero_point) * parameters.scale

    assert np.array_equal(expected, run("DEQUANTIZE", (type_, "float32"), codes, parameters, resolver))
