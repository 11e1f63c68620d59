"""LiteRT only: calibration in the interpreter, the flatbuffer writer, verification."""
