"""A Keras model run call by call, in the ops that its layers become."""
