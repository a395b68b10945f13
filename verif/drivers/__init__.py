"""What is driven: stimulus, stalls, the bench of an engine and of a whole board."""
