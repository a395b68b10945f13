"""Parameters of what is built in sizes: dataclass fields with a default, a meaning, and the values that they take."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from silicodec.models.errors import CodecError, check_integer, check_power_of_two


def parameter(
    default: Any,
    meaning: str,
    *,
    bounds: tuple[int, int] | None = None,
    power_of_two: bool = False,
    choices: tuple[Any, ...] = (),
) -> Any:
    """Declare a field of a `Parameters` class.

    Parameters
    ----------
    default : bool, int or str
        What it is if nothing else is asked for.
    meaning : str
        What it is, in a line.
    bounds : tuple of int, optional
        Least and greatest value of an integer.
    power_of_two : bool
        Whether it must be a power of two.
    choices : tuple, optional
        All values, where bounds do not say it.
    """
    metadata = {"meaning": meaning, "bounds": bounds, "power_of_two": power_of_two, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Parameters:
    """Base of frozen dataclasses whose fields are declared by `parameter`; checks every value.

    Raises
    ------
    CodecError
        If a value is out of range.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Fifo(Parameters):
    ...     words: int = parameter(16, "words that it holds", bounds=(2, 1024), power_of_two=True)
    >>> Fifo(words=12)
    Traceback (most recent call last):
    silicodec.models.errors.CodecError: words must be a power of two from 2 to 1024, not 12
    """

    def __post_init__(self) -> None:
        """Check the parameters one by one; a subclass adds what holds between them."""
        for field in dataclasses.fields(self):
            value, rules = getattr(self, field.name), field.metadata
            if rules["bounds"]:
                check = check_power_of_two if rules["power_of_two"] else check_integer
                check(field.name, value, *rules["bounds"])
            elif value not in (rules["choices"] or (False, True)):
                raise CodecError(f"{field.name} must be {values(field)}, not {value!r}")


def values(field: dataclasses.Field[Any]) -> str:
    """Tell in words what values a parameter takes."""
    rules = field.metadata
    if rules["bounds"]:
        low, high = rules["bounds"]
        return f"{'a power of two from ' if rules['power_of_two'] else ''}{low} to {high}"
    *others, last = map(str, rules["choices"] or ("true", "false"))
    return f"{', '.join(others)} or {last}" if others else last


def describe(parameters: type[Parameters] | Parameters) -> Iterator[tuple[str, Any, str, str]]:
    """Yield name, default, values and meaning of every parameter of a class, its own first."""
    for field in sorted(dataclasses.fields(parameters), key=lambda field: bool(field.kw_only)):
        yield field.name, field.default, values(field), field.metadata["meaning"]
