"""What can go wrong in the flows."""


class BuildError(Exception):
    """A bitstream that could not be built, or does not meet the board's clock; or a tool that is missing."""
