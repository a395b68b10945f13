"""What the accelerator checks before it computes a layer."""

from __future__ import annotations

from silicodec.models.accelerator.packets import is_known
from silicodec.models.accelerator.program import (
    COLUMNS,
    MAGIC,
    PIXELS,
    VERSION,
    Descriptor,
    Opcode,
    Status,
    Target,
    WeightCodec,
)
from silicodec.models.accelerator.shape import AcceleratorShape

POSITIVE = (
    *("in_height", "in_width", "in_channels", "out_height", "out_width", "out_channels", "passes", "groups", "steps"),
    *("kernel_rows", "kernel_columns", "need_first", "slot_words", "channel_words", "pass_rows", "strip_banks"),
)
"""Fields that must not be 0."""
MOST_SIZE = 255
"""Most rows, and columns, of a map."""
SIZES = ("in_height", "in_width", "out_height", "out_width")
WHOLE_MAP = 511


def check_header(word: int) -> tuple[Status, int]:
    """Check a program's header; returns the status and the number of layers."""
    count = word >> 24 & 0xFF
    if word & 0xFFFFFF != MAGIC | VERSION << 16 or not count:
        return Status.BAD_HEADER, 0
    return Status.DONE, count


def check_layer(descriptor: Descriptor, shape: AcceleratorShape) -> Status:
    """Check a layer as the hardware does: everything that could make it hang or write where it must not."""
    if descriptor.opcode not in tuple(Opcode) or descriptor.target > Target.SCORES:
        return Status.BAD_OPCODE
    codecs = (descriptor.in_codec, descriptor.residual_codec, descriptor.out_codec)
    if not all(is_known(codec, dct=shape.dct, ebpc=shape.ebpc, raw_fallback=shape.raw_fallback) for codec in codecs):
        return Status.BAD_OPCODE
    if descriptor.weight_codec not in (WeightCodec.PLAIN, shape.weight_codec_word):
        return Status.BAD_OPCODE
    if any(getattr(descriptor, name) == 0 for name in POSITIVE):
        return Status.BAD_SIZES
    stride = 1 + descriptor.stride2
    reach = 1 if descriptor.pointwise else 3 * descriptor.kernel_rows
    ahead = PIXELS * descriptor.need_first
    if (
        max(getattr(descriptor, name) for name in SIZES) > MOST_SIZE
        or descriptor.tiles > shape.tile_columns
        or descriptor.steps > shape.weight_words
        or (descriptor.out_height - 1) * stride >= descriptor.in_height + descriptor.pad_top
        or (descriptor.out_width - 1) * stride >= descriptor.in_width + descriptor.pad_left
        or (ahead + descriptor.pad_top < 7 * stride + reach and descriptor.need_first < descriptor.in_strips)
        or (descriptor.capacity != WHOLE_MAP and not _has_room(descriptor))
        or not _counts_agree(descriptor, shape.groups)
        or (descriptor.pointwise and not _is_pointwise(descriptor))
    ):
        return Status.BAD_SIZES
    first_row = descriptor.strip_first * shape.bank_depth
    end_row = first_row + descriptor.strip_banks * shape.bank_depth
    if (
        descriptor.ring_words > end_row - first_row
        or end_row > shape.rows
        or descriptor.start_slot >= descriptor.ring_words
        or descriptor.pass_advance >= descriptor.ring_words
        or max(descriptor.in_table, descriptor.residual_table, descriptor.out_table) >= shape.packets
    ):
        return Status.BAD_REGION
    end = descriptor.out_row * COLUMNS + descriptor.out_words
    apart = descriptor.out_row >= end_row or end <= first_row * COLUMNS
    if descriptor.out_words and not (apart and end <= shape.rows * COLUMNS):
        return Status.BAD_REGION
    return Status.DONE


def _has_room(descriptor: Descriptor) -> bool:
    """Tell whether the strip buffer takes what the first strip of the output needs, and in the end the whole input."""
    last = max(0, (PIXELS << descriptor.stride2) * (descriptor.strips - 1) - descriptor.pad_top)
    return (
        descriptor.capacity >= PIXELS * descriptor.need_first + descriptor.pad_top
        and last + descriptor.capacity >= PIXELS * descriptor.in_strips
    )


def _is_pointwise(descriptor: Descriptor) -> bool:
    """Tell whether eight channels a step are all that an output sample takes."""
    steps = -(-descriptor.in_channels // PIXELS)
    return not (descriptor.depthwise or descriptor.pad_top or descriptor.pad_left) and descriptor.steps == steps


def _counts_agree(descriptor: Descriptor, groups: int) -> bool:
    """Tell whether passes and groups of channels are as many as the output's channels take."""
    channels = descriptor.out_channels
    if descriptor.depthwise:
        return descriptor.passes == channels == descriptor.in_channels and descriptor.groups == 1
    return descriptor.passes == 1 and descriptor.groups == -(-channels // groups)
