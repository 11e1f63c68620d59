"""Raw operations that are not lowered, and why."""

from __future__ import annotations

from qspec.lowering.preprocessing import without
from qspec.lowering.site import Lowering

_PYTHON = "it runs Python functions that the model's config does not hold"
_DECOMPOSITION = "it takes a matrix apart, in a number of steps that depends on its values, and LiteRT has no op for it"
_COMPLEX = "it transforms to or from complex numbers, and LiteRT's kernels compute with real ones"
_LOSS = "it measures predictions, which no deployed model does"
_BITS = "it computes with the bits of integers, of which a quantized model has none of its own"
_VALUES = "how many results it has depends on the values"
_SPECIAL = "LiteRT has no op for this function, nor is it a short formula of others"
_SCATTER = "it adds or writes to places that a tensor names"
_WARP = "it reads pixels at places that are computed"
_CONSTANT = "its result depends on no value of its input"

_REASONS: dict[str, tuple[str, ...]] = {
    _PYTHON: (
        "AssociativeScan", "Cond", "ForiLoop", "Map", "Scan", "Switch", "VectorizedMap", "WhileLoop", "JVP",
    ),
    _DECOMPOSITION: (
        "Cholesky", "CholeskyInverse", "Det", "Eig", "Eigh", "Inv", "Logdet", "Lstsq", "LuFactor", "MatrixRank",
        "Pinv", "Qr", "SVD", "Slogdet", "Solve", "SolveTriangular",
    ),
    _COMPLEX: (
        "Angle", "FFT", "FFT2", "IFFT2", "IRFFT", "ISTFT", "Imag", "Isreal", "Polar", "STFT", "ViewAsComplex",
        "ViewAsReal",
    ),
    _LOSS: (
        "AllClose", "BinaryCrossentropy", "CTCDecode", "CTCLoss", "CategoricalCrossentropy", "Corrcoef", "Histogram",
        "InTopK", "PSNR", "SSIM", "SparseCategoricalCrossentropy",
    ),
    _BITS: (
        "BitwiseAnd", "BitwiseInvert", "BitwiseLeftShift", "BitwiseNot", "BitwiseOr", "BitwiseRightShift", "BitwiseXor",
        "Gcd", "Lcm", "LeftShift", "Nextafter", "RightShift", "View",
    ),
    _VALUES: ("Arange", "Bincount", "Geomspace", "Linspace", "Logspace", "Nonzero", "Unique"),
    _CONSTANT: ("Array", "Diag", "Diagflat", "Full", "Ndim", "Size"),
    _SPECIAL: (
        "Argpartition", "CDist", "Correlate", "Erfinv", "HSVToRGB", "I0", "Kron", "Meshgrid", "RGBToHSV", "Unfold",
        "UnravelIndex", "Vander", "Vdot",
    ),
    _SCATTER: ("Fold", "Scatter", "ScatterUpdate", "SegmentMax", "SegmentMin", "SegmentProd", "SegmentSum"),
    _WARP: ("AffineTransform", "ElasticTransform", "MapCoordinates", "PerspectiveTransform", "ScaleAndTranslate"),
}  # fmt: skip

WITHOUT: dict[str, Lowering] = {name: without(reason) for reason, names in _REASONS.items() for name in names}
"""By the class of the operation."""
