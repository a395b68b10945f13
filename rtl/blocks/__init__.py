"""Blocks that engines of several schemes share: streams, packers, buffers, memories, adders."""
