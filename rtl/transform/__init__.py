"""Engines of transform coding: PCA of channels and Huffman code."""
