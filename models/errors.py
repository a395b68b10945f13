"""What goes wrong in a codec, and the check that every integer parameter passes through."""

from __future__ import annotations


class CodecError(ValueError):
    """A codec got a parameter or an array that it does not take."""


class CorruptDataError(CodecError):
    """A stream or a container does not hold what its format asks for."""


def check_integer(name: str, value: int, low: int, high: int) -> None:
    """Check that a parameter is an integer within its bounds.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : int
        What the caller passed.
    low, high : int
        Bounds, both included.

    Raises
    ------
    CodecError
        Otherwise.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise CodecError(f"{name} must be an integer from {low} to {high}, not {value!r}")


def check_power_of_two(name: str, value: int, low: int, high: int) -> None:
    """Check that a parameter is a power of two within its bounds; takes and raises what `check_integer` does."""
    check_integer(name, value, low, high)
    if value & (value - 1):
        raise CodecError(f"{name} must be a power of two from {low} to {high}, not {value}")
