"""The language server: what an editor asks of the text that is being typed. Loads neither Keras nor TensorFlow.

The features are plain functions over documents and offsets; `protocol` alone speaks the Language Server Protocol.
"""
