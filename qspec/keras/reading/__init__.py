"""A live Keras model, read: its layers, calls and connections, also of models whose code must be run to be known."""
