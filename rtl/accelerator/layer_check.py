"""The check of a descriptor: the hardware of `silicodec.models.accelerator.checks`."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, block, instances, intbv, modbv

from silicodec.models.accelerator.checks import MOST_SIZE, WHOLE_MAP
from silicodec.models.accelerator.packets import EBPC_CODECS
from silicodec.models.accelerator.program import COLUMNS, PIXELS, Opcode, Status, Target
from silicodec.models.accelerator.shape import AcceleratorShape
from silicodec.rtl.accelerator.layer import LayerSignals


@block
def layer_check(clk: Any, layer: LayerSignals, fault: Any, *, shape: AcceleratorShape) -> Any:
    """Check a descriptor; `fault`, the status or 0, is there two cycles after the descriptor."""
    bad_opcode, bad_size, bad_counts, bad_place, bad_region, empty, bad_pointwise = (Signal(bool(0)) for _ in range(7))
    bad_codecs = [Signal(bool(0)) for _ in range(3)]
    codec_checks = [
        codec_check(codec, bad, shape=shape)
        for codec, bad in zip((layer.in_codec, layer.residual_codec, layer.out_codec), bad_codecs, strict=True)
    ]
    bad_input, bad_residual, bad_output = bad_codecs
    most_size, table_bits = MOST_SIZE, (shape.packets - 1).bit_length()
    depth_bits = (shape.bank_depth - 1).bit_length()
    stride_bits = layer.stride2
    tiles, in_strips = (Signal(intbv(0)[7:]) for _ in range(2))
    reach, ahead, rows, columns, reached, last_row = (Signal(modbv(0)[12:]) for _ in range(6))
    strip_rows, first_row, end_row = (Signal(intbv(0)[17:]) for _ in range(3))
    words = Signal(intbv(0)[18:])
    covered = Signal(intbv(0)[14:])
    total, groups, weight_codec = shape.rows * COLUMNS, shape.groups, int(shape.weight_codec_word)

    @always_comb
    def measure() -> None:
        tiles.next = (layer.out_width + (PIXELS - 1)) >> 3
        in_strips.next = (layer.in_height + (PIXELS - 1)) >> 3
        rows.next = 0
        columns.next = 0
        if layer.out_height != 0:
            rows.next = (layer.out_height - 1) << stride_bits
        if layer.out_width != 0:
            columns.next = (layer.out_width - 1) << stride_bits
        reach.next = (7 << stride_bits) + layer.kernel_rows + layer.kernel_rows + layer.kernel_rows
        if layer.pointwise:
            reach.next = (7 << stride_bits) + 1
        last_row.next = (((layer.out_height + (PIXELS - 1)) >> 3) - 1) << 3 << stride_bits
        ahead.next = (layer.need_first << 3) + layer.pad_top
        strip_rows.next = layer.strip_banks << depth_bits
        first_row.next = layer.strip_first << depth_bits
        covered.next = layer.groups * groups
        words.next = (layer.out_row << 3) + layer.out_row + layer.out_words

    @always_comb
    def reach_end() -> None:
        # Where the strip buffer ends while the output's last strip is computed.
        reached.next = layer.capacity
        if last_row > layer.pad_top:
            reached.next = layer.capacity + last_row - layer.pad_top

    @always_comb
    def check_pointwise() -> None:
        bad_pointwise.next = (
            layer.opcode != int(Opcode.DENSE)
            or layer.pad_top != 0
            or layer.pad_left != 0
            or layer.steps != (layer.in_channels + (PIXELS - 1)) >> 3
        )

    @always_comb
    def add() -> None:
        end_row.next = first_row + strip_rows

    @always(clk.posedge)
    def check() -> None:
        bad_opcode.next = (
            layer.opcode == 0
            or layer.opcode > int(Opcode.MAXIMUM)
            or layer.target > int(Target.SCORES)
            or bad_input
            or bad_residual
            or bad_output
            or (layer.weight_codec != 0 and layer.weight_codec != weight_codec)
        )
        empty.next = (
            layer.in_height == 0
            or layer.in_width == 0
            or layer.in_channels == 0
            or layer.out_height == 0
            or layer.out_width == 0
            or layer.out_channels == 0
            or layer.passes == 0
            or layer.groups == 0
            or layer.steps == 0
            or layer.kernel_rows == 0
            or layer.kernel_columns == 0
            or layer.need_first == 0
            or layer.slot_words == 0
            or layer.channel_words == 0
            or layer.pass_rows == 0
            or layer.strip_banks == 0
        )
        bad_size.next = (
            layer.in_height > most_size
            or layer.in_width > most_size
            or layer.out_height > most_size
            or layer.out_width > most_size
            or tiles > shape.tile_columns
            or layer.steps > shape.weight_words
            or rows >= layer.in_height + layer.pad_top
            or columns >= layer.in_width + layer.pad_left
            or (ahead < reach and layer.need_first < in_strips)
            or (layer.capacity != WHOLE_MAP and (layer.capacity < ahead or reached < in_strips << 3))
            or (layer.pointwise and bad_pointwise)
        )
        if layer.opcode == int(Opcode.DENSE):
            bad_counts.next = (
                layer.passes != 1 or covered < layer.out_channels or covered >= layer.out_channels + groups
            )
        else:
            bad_counts.next = (
                layer.passes != layer.out_channels or layer.in_channels != layer.out_channels or layer.groups != 1
            )
        bad_place.next = (
            layer.ring_words > strip_rows
            or end_row > shape.rows
            or layer.start_slot >= layer.ring_words
            or layer.pass_advance >= layer.ring_words
            or (layer.in_table | layer.residual_table | layer.out_table) >> table_bits != 0
        )
        bad_region.next = layer.out_words != 0 and (
            words > total or (layer.out_row < end_row and words > (first_row << 3) + first_row)
        )

    @always(clk.posedge)
    def judge() -> None:
        if bad_opcode:
            fault.next = int(Status.BAD_OPCODE)
        elif empty or bad_size or bad_counts:
            fault.next = int(Status.BAD_SIZES)
        elif bad_place or bad_region:
            fault.next = int(Status.BAD_REGION)
        else:
            fault.next = 0

    return instances()


@block
def codec_check(codec: Any, bad: Any, *, shape: AcceleratorShape) -> Any:
    """Tell whether a codec word stands for a codec that is present."""
    dct, ebpc = shape.dct, shape.ebpc
    if shape.raw_fallback:

        @always_comb
        def check_codecs() -> None:
            # With the fallback bits 3 and 4 may differ, so that they say nothing of the codec.
            bad.next = codec != 0 and (not dct or (codec & 1) == 0) and (not ebpc or (codec & 7) != 2)

        return instances()

    if ebpc:
        signed, unsigned = EBPC_CODECS

        @always_comb
        def check_all() -> None:
            bad.next = (
                codec != 0
                and codec != signed
                and codec != unsigned
                and (not dct or (codec & 0x19 != 0x01 and codec & 0x19 != 0x19))
            )

        return instances()

    @always_comb
    def check() -> None:
        # Of DCT's modes those for signed samples, 0 .. 3, and for unsigned ones less 128, 12 .. 15.
        bad.next = codec != 0 and (not dct or (codec & 0x19 != 0x01 and codec & 0x19 != 0x19))

    return instances()
