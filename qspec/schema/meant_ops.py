"""The op of LiteRT that somebody means who writes the name of a Keras layer."""

from __future__ import annotations

import re

# Layers whose work one op does, where its name is another one than the layer's.
_OF_LAYERS = {
    "dense": "FULLY_CONNECTED",
    "gemm": "FULLY_CONNECTED",
    "matmul": "BATCH_MATMUL",
    "conv1d": "CONV_2D",
    "conv2d": "CONV_2D",
    "conv3d": "CONV_3D",
    "depthwiseconv1d": "DEPTHWISE_CONV_2D",
    "depthwiseconv2d": "DEPTHWISE_CONV_2D",
    "conv2dtranspose": "TRANSPOSE_CONV",
    "conv3dtranspose": "CONV_3D_TRANSPOSE",
    "maxpooling1d": "MAX_POOL_2D",
    "maxpooling2d": "MAX_POOL_2D",
    "averagepooling1d": "AVERAGE_POOL_2D",
    "averagepooling2d": "AVERAGE_POOL_2D",
    "globalaveragepooling1d": "MEAN",
    "globalaveragepooling2d": "MEAN",
    "globalmaxpooling2d": "REDUCE_MAX",
    "multiply": "MUL",
    "subtract": "SUB",
    "concatenate": "CONCATENATION",
    "concat": "CONCATENATION",
    "flatten": "RESHAPE",
    "zeropadding2d": "PAD",
    "permute": "TRANSPOSE",
    "embedding": "GATHER",
    "sigmoid": "LOGISTIC",
    "leakyrelu": "LEAKY_RELU",
    "hardswish": "HARD_SWISH",
    "lstm": "UNIDIRECTIONAL_SEQUENCE_LSTM",
}
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9]+[A-Z])")


def meant_op(name: str) -> str:
    """`FULLY_CONNECTED` for `Dense`; any other name as LiteRT would spell it: `SOFTMAX` for `Softmax`."""
    return op_of_layer(name) or _WORD.sub("_", name).upper()


def op_of_layer(name: str) -> str:
    """As `meant_op`, for layers of the table alone; else an empty text."""
    return _OF_LAYERS.get(name.replace("_", "").lower(), "")
