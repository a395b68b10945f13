"""Engine for Arm's weight code: a decoder of a chunk a cycle."""
