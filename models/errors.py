"""What goes wrong in a codec, and the check that every integer parameter passes through."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class CodecError(ValueError):
    """A codec got a parameter or an array that it does not take."""


class CorruptDataError(CodecError):
    """A stream or a container does not hold what its format asks for."""


def unknown_name(kind: str, name: str, known: Iterable[object]) -> str:
    """Say that there is no such name, with those that were probably meant, or else with all there are.

    Parameters
    ----------
    kind : str
        What the name should be of, such as "codec".
    name : str
        What the caller passed.
    known : iterable
        The names there are.

    Examples
    --------
    >>> unknown_name("codec", "ebcp", ["ebpc", "bpc", "dct"])
    "unknown codec 'ebcp': did you mean ebpc?"
    >>> unknown_name("codec", "gzip", ["ebpc", "bpc", "dct"])
    "unknown codec 'gzip': known are ebpc, bpc, dct"
    """
    names = [str(item) for item in known]
    if close := get_close_matches(name, names, cutoff=0.7):
        return f"unknown {kind} {name!r}: did you mean {' or '.join(close)}?"
    return f"unknown {kind} {name!r}: known are {', '.join(names)}"


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
