"""The systolic arrays: catalog entries, with their references from `silicodec.models`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from silicodec.models.codec import to_words
from silicodec.models.dictionary import Dictionary
from silicodec.models.parameters import parameter
from silicodec.models.systolic.tiling import pad_to_multiple
from silicodec.rtl.blocks.stream import StreamGroup
from silicodec.rtl.dictionary.engines import code_ports, decoded_packets, encoded_packets
from silicodec.rtl.engine import Engine, Packets, Port
from silicodec.rtl.family import Family
from silicodec.rtl.interface import EngineParameters
from silicodec.rtl.systolic.array import PORT_VALUES, systolic_array
from silicodec.rtl.systolic.compressed import compressed_systolic_array
from silicodec.rtl.systolic.control import SUM_BITS


@dataclass(frozen=True)
class ArrayShape(EngineParameters):
    """Parameters of a systolic array."""

    rows: int = parameter(8, "rows: activations of a vector", bounds=(1, 256))
    columns: int = parameter(8, "columns: sums of a vector", bounds=(1, 256))


@dataclass(frozen=True)
class CompressedArrayShape(EngineParameters):
    """Parameters of a systolic array that takes compressed weights."""

    rows: int = parameter(8, "rows: activations of a vector", bounds=(1, 256))
    columns: int = parameter(8, "columns: sums of a vector, and weights in an entry", choices=(1, 2, 4, 8))


def systolic_engine(shape: ArrayShape) -> Engine:
    """Describe a systolic array."""
    rows, columns = shape.rows, shape.columns
    weights, activations = value_ports("weights", columns), value_ports("activations", rows)
    sums = sum_ports(columns)

    def block(clk: Any, rst: Any, *, rows: int, columns: int, **streams: Any) -> Any:
        groups = [StreamGroup([streams[port.name] for port in ports]) for ports in (weights, activations, sums)]
        return systolic_array(clk, rst, *groups, rows=rows, columns=columns)

    block.__doc__ = systolic_array.__doc__

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        tiles = split_tiles(from_port_words(weights, inputs), rows)
        return column_sums(sums, from_port_words(activations, inputs), tiles)

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        values = [to_words(tensor, 8).view(np.int8) for tensor in tensors]
        tiles = [np.resize(vector, (rows, columns)) for vector in values]
        vectors = [pad_to_multiple(vector[np.newaxis], 1, rows).reshape(-1, rows) for vector in values]
        return port_words(weights, tiles) | port_words(activations, vectors)

    return Engine(
        name="systolic-array",
        summary=f"systolic array of {rows} x {columns} multipliers, 8-bit weights stay",
        block=block,
        parameters={"rows": rows, "columns": columns},
        inputs=(*weights, *activations),
        outputs=sums,
        reference=reference,
        stimulus=stimulus,
        tensor=activations[0].name,
        period_ns=5.0,
        clock_gating=True,
    )


def compressed_systolic_engine(shape: CompressedArrayShape) -> Engine:
    """Describe a systolic array that takes compressed weights."""
    rows, columns = shape.rows, shape.columns
    array = systolic_engine(ArrayShape(rows, columns))
    activations, sums = value_ports("activations", rows), sum_ports(columns, error=True)
    codec = Dictionary(entry_size=columns)

    def block(clk: Any, rst: Any, *, rows: int, columns: int, **streams: Any) -> Any:
        compressed = [streams[port.name] for port in code_ports(codec)]
        groups = [StreamGroup([streams[port.name] for port in ports]) for ports in (activations, sums)]
        return compressed_systolic_array(clk, rst, *compressed, *groups, rows=rows, columns=columns)

    block.__doc__ = compressed_systolic_array.__doc__

    def reference(inputs: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        packets = [words.view(np.int8).reshape(-1, columns) for words in decoded_packets(codec, inputs)]
        return column_sums(sums, from_port_words(activations, inputs), split_tiles(packets, rows))

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        plain = array.stimulus(tensors)
        tiles = [tile.view(np.uint8).ravel() for tile in from_port_words(value_ports("weights", columns), plain)]
        return encoded_packets(codec, tiles) | {port.name: plain[port.name] for port in activations}

    return Engine(
        name="compressed-systolic-array",
        summary=f"systolic array of {rows} x {columns} multipliers behind a dictionary decoder",
        block=block,
        parameters={"rows": rows, "columns": columns},
        inputs=(*code_ports(codec), *activations),
        outputs=sums,
        reference=reference,
        stimulus=stimulus,
        tensor=activations[0].name,
        period_ns=array.period_ns,
        clock_gating=True,
    )


def weight_streams(engine: Engine, tiles: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Turn tiles of weights, int8, (tiles, rows, columns), into one packet for the weights of a systolic array."""
    columns = tiles.shape[-1]
    if any(port.name == "codes" for port in engine.inputs):
        return encoded_packets(Dictionary(entry_size=columns), [tiles.view(np.uint8).ravel()])
    return port_words(value_ports("weights", columns), [tiles.reshape(-1, columns)])


def value_ports(name: str, values: int) -> tuple[Port, ...]:
    """Return the ports for words of so many 8-bit values, numbered if there are several."""
    widths = [8 * min(PORT_VALUES, values - start) for start in range(0, values, PORT_VALUES)]
    names = [name] if len(widths) == 1 else [f"{name}_{number}" for number in range(len(widths))]
    return tuple(Port(*port) for port in zip(names, widths, strict=True))


def sum_ports(columns: int, *, error: bool = False) -> tuple[Port, ...]:
    """Return the ports for the sums of so many columns, numbered if there are several."""
    names = [f"sums_{column}" if columns > 1 else "sums" for column in range(columns)]
    return tuple(Port(name, SUM_BITS, error=error) for name in names)


def port_words(ports: Sequence[Port], packets: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
    """Pack vectors of 8-bit values, (count, values) a packet, into the words of their ports."""
    words = {}
    for number, port in enumerate(ports):
        parts = [packet[:, PORT_VALUES * number :][:, : port.bits // 8] for packet in packets]
        words[port.name] = [pad_to_multiple(part, 1, 8).astype(np.int8).view("<u8")[:, 0] for part in parts]
    return words


def from_port_words(ports: Sequence[Port], inputs: Mapping[str, Packets]) -> list[np.ndarray]:
    """Unpack the words of ports: int8, (count, values) for each packet; the inverse of `port_words`."""
    packets = zip(*(inputs[port.name] for port in ports), strict=True)
    return [
        np.hstack(
            [
                words.astype("<u8").view(np.int8).reshape(-1, 8)[:, : port.bits // 8]
                for port, words in zip(ports, parts, strict=True)
            ]
        )
        for parts in packets
    ]


def split_tiles(packets: Sequence[np.ndarray], rows: int) -> list[np.ndarray]:
    """Split packets of rows of weights into tiles; rows that a packet's last tile lacks are zeros."""
    return [tile for packet in packets for tile in pad_to_multiple(packet, rows, 1).reshape(-1, rows, packet.shape[1])]


def column_sums(
    ports: Sequence[Port], vectors: Sequence[np.ndarray], tiles: Sequence[np.ndarray]
) -> dict[str, list[np.ndarray]]:
    """Multiply the vectors of each packet by their tile; a stream for each column, uint32.

    Raises
    ------
    ValueError
        If there are not as many tiles as packets.
    """
    if len(vectors) != len(tiles):
        counts = f"{len(vectors)} and {len(tiles)}"
        raise ValueError(f"the packets of activations must be as many as the tiles of weights, not {counts}")
    products = [packet.astype(np.int32) @ tile.astype(np.int32) for packet, tile in zip(vectors, tiles, strict=True)]
    return {port.name: [p[:, column].view(np.uint32) for p in products] for column, port in enumerate(ports)}


SYSTOLIC_FAMILIES: tuple[Family, ...] = (
    Family(systolic_engine, {"systolic-array": ArrayShape()}),
    Family(compressed_systolic_engine, {"compressed-systolic-array": CompressedArrayShape()}),
)
