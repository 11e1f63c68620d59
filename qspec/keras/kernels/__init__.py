"""LiteRT's ops as TensorFlow computes them: in float, and rounded as the integer kernels round."""
