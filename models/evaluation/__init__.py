"""What codecs do to networks: sizes, accuracy, energy of memory, beside published figures."""
