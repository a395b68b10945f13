"""Hardware compression engines for neural-network tensors."""
