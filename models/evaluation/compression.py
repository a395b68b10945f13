"""Compression ratios of codecs on the tensors of a network.

A packet is one layer's tensor of one image, words in the order (C, H, W), row by row; each weight tensor is one packet.
A first pass over all images finds each layer's largest absolute value, from which a second pass takes the layer's
scale: no value saturates, and the result does not depend on how many processes share the images.
"""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from torch import nn

from silicodec.models.baselines import Bound
from silicodec.models.catalog import make_measure
from silicodec.models.codec import Codec
from silicodec.models.errors import unknown_name
from silicodec.models.evaluation.authors import AUTHORS_COUNTS
from silicodec.models.evaluation.records import (
    Evaluation,
    PacketSizes,
    aligned,
    layer_record,
    network_record,
    tool_versions,
)
from silicodec.models.networks import Images, Network, capture, get_network
from silicodec.models.networks.capture import Kind, Layer
from silicodec.models.networks.custom import module_network
from silicodec.models.networks.tflite import IntegerGraph
from silicodec.models.processes import interrupts_deferred
from silicodec.models.quantise import parse_number_format, quantise

Result = TypeVar("Result")
Progress = Callable[[int, int], None]
Codecs = dict[str, dict[str, Codec | Bound]]  # by number format, then by name
Largest = dict[tuple[Kind, str], float]  # by kind and name of the layer


class EvaluationError(ValueError):
    """An evaluation that cannot be run as asked."""


DEFAULT_CODECS = ("ebpc", "bpc", "zvc", "zero-rle")
PROJECT, AUTHORS = RULES = ("project", "authors")
"""How maps are taken and sizes counted: as this project does, or as the EBPC authors' own evaluation does."""


def evaluate(
    network: str | Network | nn.Module | IntegerGraph,
    codecs: Sequence[str] | Mapping[str, Mapping[str, Any]] | np.ndarray | Images = DEFAULT_CODECS,
    *,
    images: int | np.ndarray | Images | None = 20,
    folder: str | Path | None = None,
    number_formats: Sequence[str] | None = None,
    scale_rule: str = "headroom",
    rule: str = PROJECT,
    gradients: bool = False,
    weights: bool = False,
    batch_size: int = 10,
    workers: int | None = None,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Measure how small codecs make the feature maps of a network.

    Parameters
    ----------
    network : str, Network, torch.nn.Module or IntegerGraph
        Name, what `get_network` gives, or a network of your own.
    codecs : sequence of str, or mapping
        Names in `catalog.CODECS` or `catalog.BOUNDS`; or parameters by name, besides `word_bits`, which the number
        format gives. ``evaluate(module, images)``, with images in this place, is short for the default codecs.
    images : int, np.ndarray or Images, optional
        How many of the network's own, None for all; or the images, float32, (N, C, H, W), as the network takes them.
    folder : path, optional
        Folder of image files instead of the network's data set.
    number_formats : sequence of str, optional
        Names in `quantise.NUMBER_FORMATS`; the network's own choice by default.
    scale_rule : str
        Name in `quantise.SCALE_RULES`.
    rule : str
        One of `RULES`. ``authors``: all images as one batch in training mode, values scaled by the largest (signed) one
        and cut instead of rounded, sizes as of `authors`. Of a network in integers only the sizes differ.
    gradients, weights : bool
        Measure gradient maps and weights too.
    batch_size : int
        Images that go through the network together.
    workers : int, optional
        Local processes that share the images: by default one for each processor, but for every four batches at most
        one. 0 computes in this process, as does a single one. Processes need Dask, and a script that calls this
        function must guard its main part by ``if __name__ == "__main__"``, as with `multiprocessing`.
    scheduler : str, optional
        Address of a Dask scheduler (``tcp://host:8786``) to use instead of local processes.
    progress : callable, optional
        Called with the number of images done and in total; every image counts once for each pass.

    Returns
    -------
    Evaluation
        One record for each tensor kind, number format, codec and layer, and one for each whole network.

    Raises
    ------
    NetworkError, CaptureError, NumberFormatError, CodecError
        For names, parameters or data that cannot be used.
    EvaluationError
        When Dask is needed but not installed, or its scheduler does not answer.
    """
    if isinstance(codecs, np.ndarray | Images):
        images, codecs = codecs, DEFAULT_CODECS
    network, given = _network_and_images(network, images, folder)
    network.check_available()
    number_formats = list(number_formats or [network.number_format])
    chosen = make_measures(codecs, number_formats, rule)
    batch_size = len(given.batch) if rule == AUTHORS else batch_size
    batches = _split(given, batch_size)
    kinds: list[Kind] = ["feature map", "gradient map"] if gradients else ["feature map"]
    measure = partial(_packet_sizes, network, codecs=chosen, scale_rule=scale_rule, rule=rule)

    with _for_each(batches, workers, scheduler) as for_each:
        passes = 1 if number_formats == ["native"] else 2
        counter = _Counter(progress, passes * sum(len(batch.batch) for batch in batches))
        largest: Largest = {}
        if passes == 2:
            largest = _maximum(for_each(partial(_largest_values, network, kinds, rule), counter.add))
        parts = for_each(partial(measure, kinds, largest), counter.add)
    sizes = [PacketSizes.joined(of_one_layer) for of_one_layer in zip(*parts, strict=True)]
    if weights:
        sizes += measure(["weight"], _largest_values(network, ["weight"], rule, batches[0]), batches[0])

    conditions = {
        "network": network.name,
        "images": sum(len(batch.batch) for batch in batches),
        "image_source": network.data_set if folder is None else str(folder),
        "batch_size": batch_size,
        "scale_rule": scale_rule,
        "rule": rule,
        "codecs": configurations(chosen),
        "versions": tool_versions(),
    }
    return Evaluation(conditions, records_of(network.name, sizes, chosen))


def _network_and_images(network: Any, images: Any, folder: str | Path | None) -> tuple[Network, Images]:
    """Find the network and its images, whatever they are given as."""
    if isinstance(images, np.ndarray):
        images = Images(np.ascontiguousarray(images, np.float32), None)
    if isinstance(network, str):
        network = get_network(network)
    if not isinstance(network, Network):
        if not isinstance(images, Images):
            raise EvaluationError("a network of your own needs images: an array (N, C, H, W)")
        network = module_network(network, images.batch.shape[1:])
    return network, images if isinstance(images, Images) else network.images(images, folder)


def make_measures(
    codecs: Sequence[str] | Mapping[str, Mapping[str, Any]], number_formats: Sequence[str], rule: str = PROJECT
) -> Codecs:
    """Make what counts bits, by a rule, for each number format: codecs and bounds, or counts as of the authors."""
    if rule not in RULES:
        raise EvaluationError(unknown_name("rule", rule, RULES))
    parameters = codecs if isinstance(codecs, Mapping) else {name: {} for name in codecs}
    if not parameters:
        raise EvaluationError("name at least one codec")
    if rule == AUTHORS and (other := [name for name in parameters if name not in AUTHORS_COUNTS or parameters[name]]):
        known = ", ".join(AUTHORS_COUNTS)
        raise EvaluationError(f"the authors' rule has {known}, without parameters: it cannot count {other[0]}")
    make: Callable[..., Any] = (
        (lambda name, **given: AUTHORS_COUNTS[name](**given)) if rule == AUTHORS else make_measure
    )
    bits = {name: parse_number_format(name).word_bits for name in number_formats}
    return {
        number_format: {name: make(name, word_bits=word_bits, **given) for name, given in parameters.items()}
        for number_format, word_bits in bits.items()
    }


def configurations(codecs: Codecs) -> dict[str, dict[str, Any]]:
    """Give the parameters of codecs, plain JSON."""
    return {name: {n: codec.get_config() for n, codec in by_name.items()} for name, by_name in codecs.items()}


def _split(images: Images, batch_size: int) -> list[Images]:
    if batch_size < 1:
        raise EvaluationError(f"the batch size must be at least 1, not {batch_size}")
    cuts = range(0, len(images.batch), batch_size)
    batch, labels = images
    return [
        Images(batch[cut : cut + batch_size], None if labels is None else labels[cut : cut + batch_size])
        for cut in cuts
    ]


def records_of(network: str, sizes: list[PacketSizes], codecs: Codecs) -> list[dict[str, Any]]:
    """Make the records of an evaluation."""
    records = []
    for kind in dict.fromkeys(size.kind for size in sizes):
        for number_format, by_name in codecs.items():
            layers = [size for size in sizes if (size.kind, size.number_format) == (kind, number_format)]
            for codec in by_name:
                records += [layer_record(network, size, codec) for size in layers]
                records.append(network_record(network, aligned(layers), codec))
    return records


# What a worker process does: these functions and their arguments are sent there.


@lru_cache(maxsize=1)
def _model(network: Network) -> Any:
    return network.load()


def _capture(network: Network, kind: Kind, rule: str, images: Images) -> list[Layer]:
    model = _model(network)
    if kind == "feature map":
        training = rule == AUTHORS and not isinstance(model, IntegerGraph)
        return capture.feature_maps(model, images.batch, training=training)
    if kind == "gradient map":
        return capture.gradient_maps(model, images.batch, images.labels)
    return capture.weights(model)


def _largest_values(network: Network, kinds: Sequence[Kind], rule: str, images: Images) -> Largest:
    return largest_of([layer for kind in kinds for layer in _capture(network, kind, rule, images)], rule)


def largest_of(layers: Sequence[Layer], rule: str = PROJECT) -> Largest:
    """Find each layer's largest absolute value, or by the authors' rule the largest value."""
    return {
        (layer.kind, layer.name): float((layer.values if rule == AUTHORS else np.abs(layer.values)).max(initial=0))
        for layer in layers
    }


def _maximum(parts: Sequence[Largest]) -> Largest:
    return {layer: max(part[layer] for part in parts) for layer in parts[0]}


def _packet_sizes(
    network: Network, kinds: Sequence[Kind], largest: Largest, images: Images, *, codecs: Codecs, **rules: str
) -> list[PacketSizes]:
    layers = (layer for kind in kinds for layer in _capture(network, kind, rules["rule"], images))
    return packet_sizes(layers, largest, codecs=codecs, **rules)


def packet_sizes(
    layers: Iterable[Layer], largest: Largest, *, codecs: Codecs, scale_rule: str, rule: str = PROJECT
) -> list[PacketSizes]:
    """Measure the packets of layers in each number format with each codec."""
    sizes = []
    for layer in layers:
        for number_format, by_name in codecs.items():
            quantised = quantise(
                layer.values,
                number_format,
                scale_rule=scale_rule,
                largest=largest.get((layer.kind, layer.name)),
                truncate=rule == AUTHORS,
            )
            packets = quantised.values
            sizes.append(
                PacketSizes(
                    kind=layer.kind,
                    layer=layer.name,
                    number_format=number_format,
                    word_bits=quantised.number_format.word_bits,
                    scale=quantised.scale,
                    shape=packets.shape[1:],
                    zeros=np.array([packet.size - np.count_nonzero(packet) for packet in packets]),
                    compressed_bits={
                        name: np.array([codec.nbits(packet) for packet in packets]) for name, codec in by_name.items()
                    },
                )
            )
    return sizes


# How the batches get to the workers and their results back.


class _Counter:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def add(self, images: int) -> None:
        self._done += images
        if self._progress:
            self._progress(self._done, self._total)


ForEach = Callable[[Callable[[Images], Result], Callable[[int], None]], list[Result]]


@contextmanager
def _for_each(batches: Sequence[Images], workers: int | None, scheduler: str | None) -> Iterator[ForEach[Any]]:
    """Give a function that applies another one to every batch, in this process or on a Dask cluster."""
    if workers is None:
        workers = min(os.cpu_count() or 1, len(batches) // 4)
    if scheduler is None and workers <= 1:
        yield partial(_in_this_process, batches)
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise EvaluationError(
            "several processes need Dask: pip install 'silicodec[evaluate]', or use 0 workers"
        ) from error

    def local() -> Any:
        # Where Ctrl-C meets a call to the cluster half-way, distributed's own clean-up fails and would say so here.
        logging.getLogger("tornado.application").setLevel(logging.CRITICAL)
        with interrupts_deferred():
            return LocalCluster(
                n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
            )

    with local() if scheduler is None else nullcontext(scheduler) as cluster:
        try:
            client = Client(cluster)
        except (OSError, ValueError) as error:
            raise EvaluationError(f"the Dask scheduler {scheduler} does not answer: {error}") from error
        with client:
            yield partial(_on_cluster, client, client.scatter(batches), [len(batch.batch) for batch in batches])


def _in_this_process(
    batches: Sequence[Images], function: Callable[[Images], Result], done: Callable[[int], None]
) -> list[Result]:
    results = []
    for batch in batches:
        results.append(function(batch))
        done(len(batch.batch))
    return results


def _on_cluster(
    client: Any,
    batches: Sequence[Any],
    lengths: Sequence[int],
    function: Callable[[Images], Result],
    done: Callable[[int], None],
) -> list[Result]:
    from distributed import as_completed

    futures = client.map(function, batches, pure=False)
    length_of = dict(zip([future.key for future in futures], lengths, strict=True))
    results = {}
    for future, result in as_completed(futures, with_results=True):
        results[future.key] = result
        done(length_of[future.key])
    return [results[future.key] for future in futures]
