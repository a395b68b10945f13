"""The option `--set NAME=VALUE`, the same for every command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from silicodec.models.errors import unknown_name

BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def parse_settings(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Split `name=value` texts, for an option's callback; a name may be written with hyphens."""
    settings: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", context, option)
        if name in settings:
            raise click.BadParameter(f"{name} is set twice", context, option)
        settings[name] = value.strip()
    return settings


def set_option(*names: str, help: str) -> Callable[[Any], Any]:
    """Make the option `--set`, which gives a command `settings`: values by name, as the texts they were."""
    return click.option(
        "--set", *names, "settings", metavar="NAME=VALUE", multiple=True, callback=parse_settings, help=help
    )


def typed_settings(settings: Mapping[str, str], parameters: Mapping[str, object], owner: str) -> dict[str, Any]:
    """Give every setting the type of the parameter that it sets.

    Parameters
    ----------
    settings : mapping of str to str
        Values by parameter, as texts: what `set_option` gives a command.
    parameters : mapping of str to object
        Every parameter that there is, with a value of its type: bool, int, float or str; None
        for an integer or text that may be left out; or a tuple, whose setting is a list with commas between.
    owner : str
        What the parameters are of, for messages, such as "engine ebpc-encoder".

    Raises
    ------
    click.UsageError
        For a name that is no parameter, and a text that is no value of its type.

    Examples
    --------
    >>> typed_settings({"word_bits": "0x10", "checked": "yes"}, {"word_bits": 8, "checked": False}, "engine x")
    {'word_bits': 16, 'checked': True}
    """
    for name in settings:
        if name not in parameters:
            reason = unknown_name("parameter", name, parameters) if parameters else "it has no parameters"
            raise click.UsageError(f"--set: {owner}: {reason}")
    typed = {}
    for name, text in settings.items():
        try:
            typed[name] = _convert(text, parameters[name])
        except ValueError as error:
            raise click.UsageError(f"--set {name}={text}: {owner} takes {error}") from None
    return typed


def _convert(text: str, like: object) -> object:
    """Turn a text into a value of the type of another, or raise ValueError that tells what it should be."""
    match like:
        case bool():
            if text.lower() not in BOOLEANS:
                raise ValueError("true or false here")
            return BOOLEANS[text.lower()]
        case int():
            try:
                return int(text, 0)
            except ValueError:
                raise ValueError("an integer here") from None
        case float():
            try:
                return float(text)
            except ValueError:
                raise ValueError("a number here") from None
        case tuple():
            return tuple(_convert(part.strip(), like[0] if like else 0) for part in text.split(",") if part.strip())
        case None:
            return int(text) if text.isdecimal() else text
        case str():
            return text
    raise ValueError(f"no text here, but a {type(like).__name__}")
