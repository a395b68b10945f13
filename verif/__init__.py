"""Co-simulation of engines against their references."""
