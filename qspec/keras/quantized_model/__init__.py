"""The model that `qspec.apply` returns: fake quantization, ranges, and what training does with them."""
