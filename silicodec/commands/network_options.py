"""Options that all commands about networks share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from silicodec.files import INPUT
from silicodec.names import NETWORK

if TYPE_CHECKING:
    from silicodec.models.networks import Images, Network

NETWORK_HELP = (
    "One of `silicodec networks`; or FILE.tflite, FILE.npz of `silicodec quantise`, FILE.onnx, package.module:function "
    "or FILE.py:function, which gives a torch.nn.Module."
)
IMAGES_HELP = (
    "How many images; or other images: a folder, a folder of class folders, FILE.npz with `images` and `labels`, or "
    "CIFAR-10's FILE.bin. May be given twice, for both."
)

CALIBRATION_HELP = "How many images to choose on, or others than those to report on, as --images.  [default: 200]"
DEFAULT_IMAGES = 200


class Numbers(click.ParamType):
    """Numbers with commas between.

    Parameters
    ----------
    kind : type
        int or float.
    """

    name = "numbers"

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Turn a text into a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self._kind(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not numbers with commas between", param, ctx)


@dataclass(frozen=True)
class ImageChoice:
    """Which images.

    Attributes
    ----------
    count : int or None
        How many; None for all.
    place : Path or None
        Where; None for the network's own.
    """

    count: int | None
    place: Path | None

    def read(self, network: Network) -> Images:
        """Read them."""
        return network.images(self.count, self.place)


def image_choice(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> ImageChoice | None:
    """Turn a number, or a place, or one of each into a choice."""
    counts = [int(value) for value in values if value.lstrip("-").isdecimal()]
    places = [INPUT.convert(value, option, context) for value in values if not value.lstrip("-").isdecimal()]
    if len(counts) > 1 or len(places) > 1:
        raise click.BadParameter("takes one number and one place", context, option)
    return ImageChoice(counts[0] if counts else None, places[0] if places else None) if values else None


def images_option(name: str = "--images", text: str = IMAGES_HELP) -> Callable[..., Any]:
    """Make an option of images."""
    return click.option(name, multiple=True, callback=image_choice, metavar="N|PLACE", help=text)


def calibration_and_images(
    network: Network, calibration: ImageChoice | None, images: ImageChoice | None
) -> dict[str, Any]:
    """Give the arguments `calibration`, `images` and `folder` of functions that choose on some images.

    Images of one place serve for both, the first ones to choose on, unless calibration images have their own place.
    """
    from silicodec.models.networks import Images, NetworkError

    calibration = calibration or ImageChoice(DEFAULT_IMAGES, None)
    images = images or ImageChoice(DEFAULT_IMAGES, None)
    count = DEFAULT_IMAGES if calibration.count is None else calibration.count
    if calibration.place is not None:
        return {"calibration": calibration.read(network), "images": images.read(network)}
    if images.count is not None:
        return {"calibration": count, "images": images.count, "folder": images.place}
    batch, labels = images.read(network)
    if not 0 < count < len(batch):
        raise NetworkError(f"{images.place} holds {len(batch)} images: none would be left to report on after {count}")
    parts = [
        Images(batch[part], None if labels is None else labels[part]) for part in (slice(count), slice(count, None))
    ]
    return {"calibration": parts[0], "images": parts[1]}


def network_options(default: str = "digits") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options that choose a network, and pass that as `network`, which is found when it is called."""
    options = [
        click.option("--network", type=NETWORK, default=default, show_default=True, help=NETWORK_HELP),
        click.option("--weights-file", type=INPUT, metavar="FILE", help="Weights to use instead of the network's own."),
        click.option(
            "--shape", type=Numbers(int), metavar="C,H,W", help="Shape of its images, where the network has none."
        ),
        click.option("--mean", type=Numbers(float), metavar="M,..", help="By channel: a pixel p in 0 .. 1 enters as"),
        click.option("--deviation", type=Numbers(float), metavar="D,..", help="(p - mean) / deviation."),
    ]

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapped(
            *arguments: Any,
            network: str,
            weights_file: Path | None,
            shape: tuple[int, ...] | None,
            mean: tuple[float, ...] | None,
            deviation: tuple[float, ...] | None,
            **others: Any,
        ) -> Any:
            from silicodec.models.networks import get_network

            found = get_network(network, weights_file, input_shape=shape, mean=mean, deviation=deviation)
            return command(*arguments, network=found, **others)

        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


ACCURACY_COLUMNS = ("top-1 %", "loss %", "agreement %")


def accuracy_cells(record: dict[str, Any]) -> tuple[str, ...]:
    """Give the cells of `ACCURACY_COLUMNS`, with their intervals; empty where labels are unknown."""
    return tuple(with_interval(record[name], record[f"{name}_interval"]) for name in ("top1", "loss", "agreement"))


def with_interval(share: float | None, interval: list[float] | None) -> str:
    """Write a fraction in per cent, and its interval."""
    if share is None or interval is None:
        return ""
    low, high = (f"{100 * end:.1f}" for end in interval)
    return f"{100 * share:.2f} [{low}, {high}]"


def described(record: dict[str, Any]) -> str:
    """Say in a line what a change did to the classes of images."""
    top1, loss, agreement = accuracy_cells(record)
    same = f"agreement {agreement} %"
    return (
        same if not top1 else f"top-1 {100 * record['top1_before']:.2f} % before, {top1} % after, loss {loss} %; {same}"
    )
