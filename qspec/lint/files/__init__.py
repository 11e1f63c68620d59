"""What can be said of a `.tflite` file: by itself, of the targets it is meant for, and of a spec's requirements."""
