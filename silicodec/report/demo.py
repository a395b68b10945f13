"""The demo: a network's feature maps through the reference codecs and the simulated engines, on one page."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from silicodec.asic.measure import Measurement
from silicodec.asic.pdk import CORNER
from silicodec.asic.records import engine_records
from silicodec.models.codec import to_words
from silicodec.models.ebpc import EBPC
from silicodec.models.evaluation.compression import evaluate
from silicodec.models.evaluation.published import PUBLISHED_RATIOS
from silicodec.models.evaluation.records import Evaluation
from silicodec.models.networks import Network, get_network
from silicodec.models.networks.capture import feature_maps
from silicodec.models.quantise import quantise
from silicodec.models.storage import written_whole
from silicodec.report import plots
from silicodec.report.comparison import compare
from silicodec.report.figures import measured_figures, published_figures, sources
from silicodec.rtl.catalog import ENGINES

CODECS = ("ebpc", "bpc", "zvc", "zero-rle", "deflate", "zstd")
NUMBER_FORMAT = "fixed8"
PICTURES = 8


@dataclass(frozen=True)
class HardwareRow:
    """One layer of one image through the simulated encoder and decoder."""

    layer: str
    words: int
    ratio: float
    encoder_cycles: int
    decoder_cycles: int
    difference: str | None

    @property
    def match(self) -> bool:
        """Whether both gave the reference's words."""
        return self.difference is None


def default_network() -> str:
    """Name the network to show: ResNet-20 where its weights are, or else the embedded one."""
    return "resnet20" if os.environ.get("SILICODEC_DATA") else "digits"


def write_demo(name: str, image_count: int, folder: Path, say: Callable[[str], None]) -> tuple[Path, bool]:
    """Make the page `folder/index.html`.

    Parameters
    ----------
    name : str
        The network.
    image_count : int
        Images to evaluate the codecs on; the hardware gets the first one.
    folder : Path
        Where the page goes.
    say : callable
        Told in a line what is being done.

    Returns
    -------
    Path
        The page.
    bool
        Whether simulated hardware and software gave the same bits.
    """
    network = get_network(name)
    say(f"compressing the feature maps of {image_count} images in {name}, in software ({', '.join(CODECS)})")
    evaluation = evaluate(network, CODECS, images=image_count, number_formats=[NUMBER_FORMAT], workers=0)
    layers = one_image(network, evaluation)
    say(f"compressing the {len(layers)} feature maps of one image in simulated hardware (Verilator)")
    hardware = [through_hardware(layer, values) for layer, values in layers.items()]
    match = all(row.match for row in hardware)
    words = sum(row.words for row in hardware)
    say(f"{words:,} words in {len(hardware)} packets: {'same bits' if match else 'DIFFERENT bits'} in both")
    page = render(network, image_count, evaluation, layers, hardware)
    path = folder / "index.html"
    with written_whole(path) as temporary:
        temporary.write_text(page)
    return path, match


def one_image(network: Network, evaluation: Evaluation) -> dict[str, np.ndarray]:
    """Quantised feature maps (channels, height, width) of the first image by layer, by the evaluation's scales."""
    largest = {
        record["layer"]: 0.75 * 127 / record["scale"] for record in evaluation.layers if record["codec"] == CODECS[0]
    }
    captured = feature_maps(network.load(), network.images(1).batch)
    return {
        layer.name: quantise(layer.values[0], NUMBER_FORMAT, largest=largest[layer.name]).values for layer in captured
    }


def through_hardware(layer: str, values: np.ndarray) -> HardwareRow:
    """Send a feature map through the simulated encoder and decoder and compare with the reference."""
    words = to_words(values, 8)
    encoder, decoder = ENGINES["ebpc-encoder"], ENGINES["ebpc-decoder"]
    encoding, decoding = (compare(engine, engine.stimulus([words])) for engine in (encoder, decoder))
    return HardwareRow(
        layer=layer,
        words=words.size,
        ratio=8 * words.size / EBPC().nbits(values),
        encoder_cycles=encoding.cycles,
        decoder_cycles=decoding.cycles,
        difference=encoding.difference or decoding.difference,
    )


def render(
    network: Network,
    image_count: int,
    evaluation: Evaluation,
    layers: Mapping[str, np.ndarray],
    hardware: Sequence[HardwareRow],
) -> str:
    """Fill the page's template."""
    records = engine_records()
    words = sum(row.words for row in hardware)
    shown = [(name, values) for name, values in layers.items() if values.shape[-1] > 1]
    step = max(1, -(-len(shown) // PICTURES))
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("silicodec.report"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("demo.html").render(
        network=network,
        images=image_count,
        totals=evaluation.totals,
        published=PUBLISHED_RATIOS,
        ratio_plot=plots.ratio_plot(list(layers), ratios_by_codec(evaluation)),
        input_picture=plots.image_picture(network.images(1).batch[0]),
        pictures=[picture(name, values) for name, values in shown[::step]],
        hardware=hardware,
        all_match=all(row.match for row in hardware),
        encoder_rate=words / sum(row.encoder_cycles for row in hardware),
        decoder_rate=words / sum(row.decoder_cycles for row in hardware),
        engines=engine_rows(records),
        sources=sources(ENGINES.values()),
        area_plot=area_plot(records),
        gain=area_gain(records),
        corner=CORNER,
        version=version("silicodec"),
    )


def ratios_by_codec(evaluation: Evaluation) -> dict[str, list[float]]:
    """Ratio of every layer, by codec."""
    return {codec: [record["ratio"] for record in evaluation.layers if record["codec"] == codec] for codec in CODECS}


def picture(name: str, values: np.ndarray) -> dict[str, Any]:
    """One feature map for the page."""
    return {
        "name": name,
        "source": plots.feature_map_picture(values),
        "shape": values.shape,
        "zeros": float(np.mean(values == 0)),
    }


def engine_rows(records: Mapping[str, Measurement]) -> Sequence[Sequence[str]]:
    """Name, area, kGE and critical path of every engine, each with the published one, and its flip-flops."""
    rows = []
    for engine in ENGINES.values():
        area, kilo, memories, path, *_, flip_flops = measured_figures(records.get(engine.name))
        other_area, other_kilo, other_path = published_figures(engine)
        rows.append((engine.name, area, other_area, kilo, memories, other_kilo, path, other_path, flip_flops))
    return rows


def public_area(name: str) -> float | None:
    """Area of the public hardware that an engine is compared with, in square micrometres."""
    return next((published.area_um2 for published in ENGINES[name].published if published.area_um2), None)


def area_plot(records: Mapping[str, Measurement]) -> str | None:
    """Plot the areas of the engines that were measured."""
    measured = [(name, records[name].area_um2, public_area(name)) for name in ENGINES if name in records]
    return plots.area_plot(measured) if measured else None


def area_gain(records: Mapping[str, Measurement]) -> float | None:
    """Area of the encoder over that of the public one."""
    public = public_area("ebpc-encoder")
    return records["ebpc-encoder"].area_um2 / public if public and "ebpc-encoder" in records else None
