"""A network on an accelerator: what each layer takes, and what the codecs cost in accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from silicodec.models.accelerator.calibration import choose_codecs, fit_regions, lossless, same_step
from silicodec.models.accelerator.compiler import MapCoding, Program, compile_graph
from silicodec.models.accelerator.forward import Forward
from silicodec.models.accelerator.layers import LayerGraph
from silicodec.models.accelerator.lowering import from_graph
from silicodec.models.accelerator.packets import EBPC_CODECS, RAW, falls_back, packet_words, plain_codec
from silicodec.models.accelerator.plan import LayerPlan, plan
from silicodec.models.accelerator.program import Status, Target
from silicodec.models.accelerator.reference import Run, pixel_words, run_program
from silicodec.models.accelerator.shape import WEIGHT_CODECS, AcceleratorShape
from silicodec.models.errors import CodecError, unknown_name
from silicodec.models.evaluation.memory_energy import MEMORY_PARTS

if TYPE_CHECKING:
    from silicodec.models.networks import Images, Network
    from silicodec.models.networks.tflite import IntegerGraph

CODECS = ("raw", "dct", "ebpc", "auto")
"""How maps are stored: as they are; all by DCT of one step; all by EBPC; each as saves most within a budget."""
WORD_BITS = 64
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Choice:
    """How maps are stored.

    Parameters
    ----------
    codec : str
        One of `CODECS`.
    step : int
        Quantisation step of ``dct``: 1, 2, 4 or 8.
    budget : float
        Accuracy that ``auto`` may lose on the calibration images.
    weights : str
        How weights are sent: one of `WEIGHT_CODECS`.
    """

    codec: str = "raw"
    step: int = 4
    budget: float = 0.01
    weights: str = "plain"

    def __post_init__(self) -> None:
        """Check the codecs' names."""
        if self.codec not in CODECS:
            raise CodecError(unknown_name("codec", self.codec, CODECS))
        if self.weights not in WEIGHT_CODECS:
            raise CodecError(unknown_name("code of weights", self.weights, WEIGHT_CODECS))


@dataclass(frozen=True, eq=False)
class Study:
    """A compiled network, and what becomes of images there.

    Attributes
    ----------
    name : str
        The network's.
    program : Program
        The network, compiled.
    images : list of ndarray of int8
        (C, H, W): those that the reference ran, the first ones of all.
    runs : list of Run
        One for each of these.
    layers : list of LayerPlan
        What each layer takes, for the first image.
    mean_words : ndarray
        Words of each layer's output as it is stored, on average of all images.
    accuracy : dict
        Of all images, as of `silicodec.models.evaluation.statistics.accuracy_record`.
    """

    name: str
    program: Program
    images: list[np.ndarray]
    runs: list[Run]
    layers: list[LayerPlan]
    mean_words: np.ndarray
    accuracy: dict[str, Any]

    def pixels(self, number: int) -> np.ndarray:
        """Return the packet of the `pixels` stream for an image."""
        return pixel_words(self.images[number], depthwise=self.program.graph.layers[0].depthwise)

    def record(self) -> dict[str, Any]:
        """Describe it as JSON."""
        shape, layers = self.program.shape, self.layers
        cycles, macs = sum(layer.cycles for layer in layers), sum(layer.macs for layer in layers)
        refilled = sum(map(len, self.runs[0].refilled))
        spilled = sum(layer.spilled_words for layer in layers)
        (memory,) = MEMORY_PARTS.values()
        between = layers[:-1]
        return {
            "network": self.name,
            "shape": vars(shape) | {"memory_bytes": shape.memory_bytes},
            "images": self.accuracy["images"],
            "cycles": cycles,
            "macs": macs,
            "macs_per_cycle": macs / cycles,
            "utilisation": macs / cycles / shape.multipliers,
            "raw_bits": WORD_BITS * sum(layer.raw_words for layer in between),
            "stored_bits": WORD_BITS * sum(layer.words for layer in between),
            "mean_stored_bits": WORD_BITS * float(self.mean_words[:-1].sum()),
            "spilled_bits": WORD_BITS * spilled,
            "refilled_bits": WORD_BITS * refilled,
            "weight_bits": WORD_BITS * sum(layer.weight_words for layer in layers),
            "plain_weight_bits": WORD_BITS * sum(layer.plain_weight_words for layer in layers),
            "memory": memory.name,
            "joules": memory.joules(WORD_BITS * spilled, WORD_BITS * refilled),
            "accuracy": self.accuracy,
            "layers": [self._layer(number) for number in range(len(layers))],
        }

    def _layer(self, number: int) -> dict[str, Any]:
        layer, descriptor = self.layers[number], self.program.descriptors[number]
        timing = {f"{name}_cycles": value for name, value in vars(layer.timing).items() if name != "cycles"}
        return {
            "name": layer.name,
            "output": list(self.program.graph.layers[number].out_shape),
            "macs": layer.macs,
            "cycles": layer.cycles,
            "macs_per_cycle": layer.macs / layer.cycles,
            "limit": layer.limit,
            **timing,
            "codec": codec_name(descriptor.out_codec),
            "weight_codec": WEIGHT_CODECS[descriptor.weight_codec],
            "weight_bits": WORD_BITS * layer.weight_words,
            "plain_weight_bits": WORD_BITS * layer.plain_weight_words,
            "raw_bits": WORD_BITS * layer.raw_words,
            "stored_bits": WORD_BITS * layer.words,
            "spilled_bits": WORD_BITS * layer.spilled_words,
            "strip_bits": WORD_BITS * layer.strip_words,
            "region_bits": WORD_BITS * layer.region_words,
            **{f"live_{name}_bits": WORD_BITS * words for name, words in self._live(number).items()},
        }

    def _live(self, number: int) -> dict[str, int]:
        """Return the words of the maps that a layer needs or that wait for later ones, its output's among them."""
        graph = self.program.graph
        live = [
            self.layers[index]
            for index, layer in enumerate(graph.layers[: min(number + 1, len(graph.layers) - 1)])
            if graph.last_reader(layer.output) >= number
        ]
        return {"raw": sum(one.raw_words for one in live), "stored": sum(one.words for one in live)}


def codec_name(word: int) -> str:
    """Name a codec word: ``raw``, ``ebpc``, or ``dct`` with its step; with ``or raw`` where packets may be raw."""
    if falls_back(word):
        return f"{codec_name(plain_codec(word))} or raw"
    if word == RAW:
        return "raw"
    return "ebpc" if word in EBPC_CODECS else f"dct {1 << (word >> 1 & 3)}"


def study(
    network: Network,
    shape: AcceleratorShape,
    choice: Choice,
    images: Images,
    calibration: Images | None = None,
    *,
    runs: int | None = None,
    progress: Progress | None = None,
) -> Study:
    """Compile a network, and put images through it.

    Parameters
    ----------
    network : Network
        A network in integers.
    shape : AcceleratorShape
        The accelerator.
    choice : Choice
        How maps are stored.
    images : Images
        What to put through.
    calibration : Images, optional
        What to choose codecs and sizes of regions on; needed unless everything is raw.
    runs : int, optional
        How many of the images the reference runs word by word. All by default. Of the others only the maps are
        computed, which takes a tenth of the time and gives the same accuracy and sizes of maps.
    progress : callable, optional
        Called with the number of images done, and of all.

    Raises
    ------
    CodecError
        If it is no network in integers, the accelerator cannot compute it or was built without the codec, or an image's
        maps outgrow their regions.
    """
    from silicodec.models.evaluation.statistics import accuracy_record

    if not {"dct": shape.dct, "ebpc": shape.ebpc}.get(choice.codec, True):
        raise CodecError(f"an accelerator with {choice.codec}=false cannot store maps by {choice.codec}")
    integers = integer_graph(network)
    graph = from_graph(integers)
    codings = _codings(network, graph, shape, choice, calibration)
    program = compile_graph(graph, shape, codings, weights=choice.weights)
    samples = samples_of(integers, images.batch)
    found = []
    for pixels in samples[:runs]:
        words = pixel_words(pixels, depthwise=graph.layers[0].depthwise)
        found.append(run_program(shape, program.words, program.weights, words))
        if found[-1].status != Status.DONE:
            raise _outgrown(len(found) - 1, found[-1].status)
    forward = Forward(compile_graph(graph, shape))
    codecs = {number: coding.codec for number, coding in codings.items()}
    scores, sizes = [], np.zeros(len(graph.layers))
    for number, pixels in enumerate(samples):
        maps = forward.maps(pixels, codecs)
        packets = {made: packet_words(one, codecs.get(made, RAW)) for made, one in maps.items()}
        check_room(program, number, packets)
        scores.append(maps[graph.layers[-1].output].ravel())
        sizes += [of_map.sum() for of_map in packets.values()]
        if progress:
            progress(number + 1, len(samples))
    accuracy = accuracy_record(network.classify(images.batch), _classes(integers, np.array(scores)), images.labels)
    layers, mean = plan(program, found[0]), sizes / len(samples)
    return Study(network.name, program, samples[:runs], found, layers, mean, accuracy)


def _codings(
    network: Network, graph: LayerGraph, shape: AcceleratorShape, choice: Choice, calibration: Images | None
) -> dict[int, MapCoding]:
    """Say how maps are stored, and in which regions."""
    if choice.codec == "raw":
        return {}
    assert calibration is not None
    images = samples_of(integer_graph(network), calibration.batch)
    if choice.codec == "auto":
        codecs = choose_codecs(graph, shape, images, _loss(network, calibration), choice.budget)
    else:
        codecs = same_step(graph, choice.step) if choice.codec == "dct" else lossless(graph)
    return fit_regions(graph, shape, codecs, images)


def check_room(program: Program, number: int, packets: Mapping[int, np.ndarray]) -> None:
    """Raise CodecError where an image's packets, of so many words, find no room and are not spilled."""
    for layer, descriptor in zip(program.graph.layers, program.descriptors, strict=True):
        words = packets[layer.output]
        # A packet begins only where the largest one has room, and the last one is of the last channel and strip.
        needed = words.sum() - words[-1, -1] + descriptor.packet_words
        if descriptor.target == Target.MEMORY and needed > descriptor.out_words:
            raise _outgrown(number, Status.OVERFLOW)


def _outgrown(number: int, status: Status) -> CodecError:
    return CodecError(f"image {number} ends with {status.name}: its maps outgrow their regions")


def integer_graph(network: Network) -> IntegerGraph:
    """Load a network in integers, or raise CodecError for another one."""
    graph = network.load()
    if not hasattr(graph, "operators"):
        raise CodecError(f"the accelerator takes networks in integers, as resnet20-int8 is, and {network.name} is not")
    return graph


def samples_of(graph: IntegerGraph, batch: np.ndarray) -> list[np.ndarray]:
    """Return images as a network takes them, (N, C, H, W), as samples of the accelerator: int8."""
    source = graph.source
    values = (batch / np.float32(source.scale)).round().clip(source.low, source.high) + source.zero_point
    return list((values - 128 * (source.dtype == "uint8")).astype(np.int8))


def _classes(graph: IntegerGraph, scores: np.ndarray) -> np.ndarray:
    return scores[:, graph.first_class :].argmax(axis=1)


def _loss(network: Network, images: Images) -> Callable[[np.ndarray], float]:
    """Return what gives the accuracy that scores lose, or without labels the images that change their class."""
    from silicodec.models.evaluation.statistics import accuracy_record

    before = network.classify(images.batch)

    def lost(scores: np.ndarray) -> float:
        record = accuracy_record(before, _classes(network.load(), scores), images.labels)
        return 1 - record["agreement"] if images.labels is None else float(record["loss"])

    return lost
