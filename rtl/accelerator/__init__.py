"""The accelerator in hardware."""
