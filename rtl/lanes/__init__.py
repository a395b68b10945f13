"""Engine for weights in lanes: a decoder of several weights a cycle."""
