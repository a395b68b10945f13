"""Systolic arrays, which the compressed weights go to."""
