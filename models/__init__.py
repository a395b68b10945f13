"""NumPy reference codecs, and the networks that feed them."""
