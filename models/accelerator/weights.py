"""Words of the `weights` stream, and back."""

from __future__ import annotations

import numpy as np

from silicodec.models.accelerator.layers import Layer
from silicodec.models.accelerator.program import ENTRY_WORDS, PIXELS, TAPS, Descriptor
from silicodec.models.accelerator.weight_packets import CODEC, MOST_WORDS, encode_all

SLOTS = (1 << CODEC.slot_bits) - 1
"""Words that a packet's dictionary holds."""


def group_words(descriptor: Descriptor, groups: int) -> int:
    """Return the words of a group of output channels, which the stream has once for each strip."""
    channels = 1 if descriptor.depthwise else groups
    return ENTRY_WORDS * channels + descriptor.steps * (channels + (not descriptor.pointwise))


def layer_words(descriptor: Descriptor, groups: int) -> int:
    """Return the words of a layer, as plain ones."""
    return descriptor.passes * descriptor.strips * descriptor.groups * group_words(descriptor, groups)


def weight_words(layer: Layer, descriptor: Descriptor, groups: int) -> np.ndarray:
    """Return a layer's words of the stream for an engine of so many groups: uint64."""
    channels = 1 if descriptor.depthwise else groups
    taps = _fill_up(_taps(layer, descriptor), channels, layer.weight_zero)
    entries = np.zeros((len(taps), ENTRY_WORDS), np.uint64)
    count = len(layer.weights)
    entries[:count, 0] = (layer.bias & 0xFFFFFFFF) | layer.rescaling.shifts << 32
    entries[:count, 1] = layer.rescaling.factors
    sets = taps.astype(np.int8).view(np.uint8).reshape(-1, channels, descriptor.steps, taps.shape[-1])
    rows = np.zeros((len(sets), descriptor.steps, channels + (not descriptor.pointwise), PIXELS), np.uint8)
    rows[:, :, :channels] = sets[..., :PIXELS].transpose(0, 2, 1, 3)
    if not descriptor.pointwise:
        rows[:, :, channels, :channels] = sets[..., PIXELS].transpose(0, 2, 1)
    steps = rows.reshape(len(sets), -1).view("<u8")
    words = np.concatenate([entries.reshape(len(sets), -1), steps], axis=1)
    repeated = (
        np.repeat(words, descriptor.strips, axis=0) if layer.depthwise else np.tile(words, (descriptor.strips, 1))
    )
    return repeated.ravel()


def coded_words(words: np.ndarray, descriptor: Descriptor, groups: int) -> np.ndarray:
    """Encode a layer's words to packets, which begin anew with each strip or, depthwise, with some channel: uint64."""
    size = group_words(descriptor, groups)
    if not descriptor.depthwise:
        return np.tile(encode_all(words[: descriptor.groups * size]), descriptor.strips)
    # The words of a channel come once for each strip: where a packet has slots for all of them they are sent once.
    channel = size * descriptor.strips
    channels = min(MOST_WORDS // channel, SLOTS // size)
    return min(
        (encode_all(words, most) for most in {MOST_WORDS, max(1, channels) * channel} if most <= MOST_WORDS), key=len
    )


def _taps(layer: Layer, descriptor: Descriptor) -> np.ndarray:
    """Return the weights of each step: (out, steps, taps)."""
    outputs, inputs = layer.weights.shape[:2]
    if descriptor.pointwise:
        return _padded(layer, (outputs, -(-inputs // PIXELS) * PIXELS, 1, 1)).reshape(outputs, -1, PIXELS)
    rows, columns = descriptor.kernel_rows, descriptor.kernel_columns
    parts = _padded(layer, (outputs, inputs, 3 * rows, 3 * columns)).reshape(outputs, inputs, rows, 3, columns, 3)
    return parts.transpose(0, 1, 2, 4, 3, 5).reshape(outputs, -1, TAPS)


def _padded(layer: Layer, shape: tuple[int, ...]) -> np.ndarray:
    """Fill weights up to a shape with those that stand for zero."""
    result = np.full(shape, layer.weight_zero, np.int16)
    _, inputs, height, width = layer.weights.shape
    result[:, :inputs, :height, :width] = layer.weights
    return result


def _fill_up(taps: np.ndarray, channels: int, value: int) -> np.ndarray:
    """Add output channels that do not exist."""
    missing = -len(taps) % channels
    return np.concatenate([taps, np.full((missing, *taps.shape[1:]), value, np.int16)])


def read_group(words: np.ndarray, descriptor: Descriptor, groups: int) -> tuple[np.ndarray, ...]:
    """Read the words of a group of output channels.

    Returns
    -------
    bias, factors, shifts : ndarray of int64
        (channels,).
    weights : ndarray of int64
        Less their zero point: (channels, steps, 9).
    """
    channels = 1 if descriptor.depthwise else groups
    entries = words[: ENTRY_WORDS * channels].reshape(channels, ENTRY_WORDS)
    low = (entries[:, 0] & 0xFFFFFFFF).astype(np.uint32)
    shifts = (entries[:, 0] >> np.uint64(32)).astype(np.int64) & 63
    factors = (entries[:, 1] & 0xFFFFFFFF).astype(np.int64)
    rows = words[ENTRY_WORDS * channels :].astype("<u8").view(np.int8).reshape(descriptor.steps, -1, PIXELS)
    weights = np.full((channels, descriptor.steps, TAPS), descriptor.weight_zero, np.int64)
    weights[..., :PIXELS] = rows[:, :channels].transpose(1, 0, 2)
    if not descriptor.pointwise:
        weights[..., PIXELS] = rows[:, channels, :channels].T
    return low.view(np.int32).astype(np.int64), factors, shifts, weights - descriptor.weight_zero
