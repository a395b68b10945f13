"""The option `--set`, and names that are nearly right."""

import click
import pytest

from silicodec.models.errors import unknown_name
from silicodec.settings import parse_settings, typed_settings

PARAMETERS = {"word_bits": 8, "checked": False, "ratio": 0.5, "name": "x", "table": None, "lengths": (1, 2)}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("word-bits=0x10", 16),
        ("word_bits = -3", -3),
        ("checked=Yes", True),
        ("checked=0", False),
        ("ratio=2", 2.0),
        ("name=a=b", "a=b"),
        ("table=12", 12),
        ("table=fine", "fine"),
        ("lengths=3, 4,5", (3, 4, 5)),
    ],
)
def test_setting_has_the_type_of_its_parameter(text, value):
    (result,) = typed_settings(parse_settings(None, None, (text,)), PARAMETERS, "engine x").values()
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("word_bit=3", "--set: engine x: unknown parameter 'word_bit': did you mean word_bits?"),
        ("word_bits=many", "--set word_bits=many: engine x takes an integer here"),
        ("checked=2", "--set checked=2: engine x takes true or false here"),
        ("ratio=x", "--set ratio=x: engine x takes a number here"),
    ],
)
def test_bad_setting_is_named(text, message):
    with pytest.raises(click.UsageError) as caught:
        typed_settings(parse_settings(None, None, (text,)), PARAMETERS, "engine x")
    assert caught.value.message == message


@pytest.mark.parametrize("texts", [("word_bits",), ("=3",), ("a b=3",), ("x=1", "x=2")])
def test_text_that_is_no_setting_is_refused(texts):
    with pytest.raises(click.BadParameter):
        parse_settings(None, None, texts)


def test_nothing_to_set():
    with pytest.raises(click.UsageError, match="it has no parameters"):
        typed_settings({"x": "1"}, {}, "engine x")


def test_unknown_name_is_answered_by_near_ones_or_by_all():
    assert unknown_name("codec", "ebcp", ["ebpc", "dct"]) == "unknown codec 'ebcp': did you mean ebpc?"
    assert unknown_name("codec", "gzip", ["ebpc", "dct"]) == "unknown codec 'gzip': known are ebpc, dct"
