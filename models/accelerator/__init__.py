"""The accelerator in software: compiler from integer networks, reference of its programs, and cycle model."""
