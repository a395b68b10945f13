"""Engines for weights: dictionary decoders and a trimmer."""
