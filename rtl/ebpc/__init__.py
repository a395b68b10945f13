"""EBPC encoders and decoders."""
