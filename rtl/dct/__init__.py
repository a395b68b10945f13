"""DCT encoders and decoders."""
