"""What every engine can have around it: AXI4-Stream's names, words of whole bytes, and register slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from inspect import isfunction
from types import SimpleNamespace
from typing import Any

import numpy as np
from myhdl import always_comb, block, instances

from silicodec.models.errors import CodecError
from silicodec.models.parameters import Parameters, parameter
from silicodec.rtl.blocks.partial import byte_mask, tail_keeper
from silicodec.rtl.blocks.register_slice import register_slice
from silicodec.rtl.blocks.stream import AxiStream, Stream
from silicodec.rtl.engine import Engine, Packets, Port, count_packet


@dataclass(frozen=True, kw_only=True)
class EngineParameters(Parameters):
    """Base of the parameters of a family of engines: what every engine can have around it."""

    axi: bool = parameter(False, "AXI4-Stream's names of signals, and words of whole bytes")
    registered: bool = parameter(False, "with axi, a register slice in every stream")

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        if self.registered and not self.axi:
            raise CodecError("registered needs axi")

    @property
    def of_block(self) -> dict[str, Any]:
        """The parameters of the engine alone."""
        return {name: value for name, value in vars(self).items() if name not in ("axi", "registered")}


def with_interface(engine: Engine, parameters: EngineParameters) -> Engine:
    """Return an engine with what its parameters ask for around it, and nothing twice.

    Streams become `s_axis` and `m_axis`, or where there are several `s_axis_NAME` and `m_axis_NAME`. Words have whole
    bytes: zeros above an engine's own bits, which it ignores where it takes them. A stream whose packets may end within
    a word has `keep`; the input `length` of an engine with such an output counts bytes.
    """
    if not parameters.axi or (engine.axi and not parameters.registered):
        return engine
    inputs, outputs = _axi_ports(engine, engine.inputs, "s_axis"), _axi_ports(engine, engine.outputs, "m_axis")
    ports = zip((*engine.inputs, *engine.outputs), (*inputs, *outputs), strict=True)
    outer = {port.name: axi_port.name for port, axi_port in ports}
    length = next((port for port in engine.inputs if port.name == "length"), None)
    step = _partial_bytes(engine) if length else 1
    inner = {axi_name: name for name, axi_name in outer.items()}
    # MyHDL takes only blocks within a block, not functions that return one.
    core = replace(engine, block=block(engine.block)) if isfunction(engine.block) else engine

    def interface(clk: Any, rst: Any, *, axi: bool, registered: bool, **streams: Any) -> Any:
        # MyHDL names a port for an argument and its attributes: `s` and `axis_words` and `tdata`.
        sides = [SimpleNamespace(**{p.name[2:]: streams[p.name] for p in ports}) for ports in (inputs, outputs)]
        arguments = {name: streams.pop(axi_name).stream() for name, axi_name in outer.items()}
        instance = axi_interface(clk, rst, *sides, engine=core, streams=arguments, registered=registered)
        instance.__doc__ = engine.block.__doc__
        return instance

    def reference(packets: Mapping[str, Packets]) -> dict[str, list[np.ndarray]]:
        given = {inner[name]: stream for name, stream in packets.items()}
        if length and step > 1:
            given["length"] = [-(-size.astype(np.int64) // step).astype(length.dtype) for size in given["length"]]
        results = engine.reference(given)
        return {outer[name]: stream for name, stream in results.items()}

    def stimulus(tensors: Sequence[np.ndarray]) -> dict[str, list[np.ndarray]]:
        streams = {outer[name]: stream for name, stream in engine.stimulus(tensors).items()}
        if length and step > 1:
            bits = _bits(engine, length)
            value_bytes = max(port.partial for port in engine.outputs)
            streams[outer["length"]] = [count_packet(tensor.size * value_bytes, bits, "bytes") for tensor in tensors]
        return streams

    return replace(
        engine,
        summary=f"{engine.summary.removesuffix(', AXI4-Stream')}, AXI4-Stream"
        f"{' with register slices' if parameters.registered else ''}",
        block=interface,
        parameters={**engine.parameters, "axi": True, "registered": parameters.registered},
        inputs=inputs,
        outputs=outputs,
        reference=reference,
        stimulus=stimulus,
        tensor=outer[engine.tensor],
        published=(),
        axi=True,
    )


def _partial_bytes(engine: Engine) -> int:
    """Return the bytes of a word of which `length` counts bytes with `axi`; 1 where it does not."""
    return max((port.bits // 8 for port in engine.outputs if port.partial), default=1)


def _axi_ports(engine: Engine, ports: Sequence[Port], prefix: str) -> tuple[Port, ...]:
    """Return the ports as they are outside."""
    names = {port.name: prefix if len(ports) == 1 else f"{prefix}_{port.name}" for port in ports}
    return tuple(
        replace(
            port,
            name=port.name if engine.axi else names[port.name],
            bits=-(-_bits(engine, port) // 8) * 8,
            keep=port.keep or (port.partial > 0 and port.bits > 8),
        )
        for port in ports
    )


def _bits(engine: Engine, port: Port) -> int:
    """Return the bits of a word that count outside: a `length` in bytes has more."""
    return port.bits + (_partial_bytes(engine).bit_length() - 1 if port.name == "length" else 0)


@block
def axi_interface(
    clk: Any, rst: Any, s: Any, m: Any, *, engine: Engine, streams: Mapping[str, Stream], registered: bool
) -> Any:
    """Put an engine between streams of whole bytes, by wires or by register slices.

    Parameters
    ----------
    s, m : object
        Inputs and outputs, as attributes, for their names alone.
    engine : Engine
        What stands between them.
    streams : mapping of str to Stream
        The same streams, by the names of the engine's ports.
    registered : bool
        Whether there are register slices.
    """
    ends = engine.streams()
    parts = []
    inner: dict[str, Any] = {}
    for port in (*engine.inputs, *engine.outputs):
        is_input, bits = port in engine.inputs, _bits(engine, port)
        outside: Any = streams[port.name]
        if len(outside.data) != bits:
            whole, outside = outside.data, _with_data_of(outside, bits)
            parts.append(_word(whole, outside.data) if is_input else _word(outside.data, whole))
        if registered:
            end: Any = (AxiStream if engine.axi else Stream)(bits, error=port.error, keep=hasattr(outside, "keep"))
            between = end.stream() if engine.axi else end
            between.last.read = True  # an engine may ignore it
            parts.append(register_slice(clk, rst, *((outside, between) if is_input else (between, outside))))
            outside = end
        inner[port.name] = outside
    for port in engine.inputs:
        if port.partial and hasattr(inner[port.name], "keep"):
            whole, inner[port.name] = inner[port.name], _with_data_of(inner[port.name], port.bits)
            parts.append(byte_mask(whole.data, whole.keep, inner[port.name].data))
    for port in engine.outputs:
        if port.partial and hasattr(inner[port.name], "keep"):
            sizes, words = inner["length"], inner[port.name]
            inner["length"], inner[port.name] = ends["length"], ends[port.name]
            parts.append(tail_keeper(clk, rst, sizes, inner["length"], inner[port.name], words))
    core = engine.block(clk, rst, **inner, **engine.parameters)
    return instances()


def _with_data_of(stream: Stream, bits: int) -> Stream:
    """Return a stream that shares all signals with another but `data`, which has a width of its own."""
    other = Stream(bits)
    vars(other).update({name: signal for name, signal in vars(stream).items() if name != "data"})
    return other


@block
def _word(source: Any, sink: Any) -> Any:
    """Give a word to wider data with zeros above it, or to narrower data without the bits above it."""
    bits = len(sink)

    if bits == 1:

        @always_comb
        def drive() -> None:
            sink.next = source[0]
    elif bits < len(source):

        @always_comb
        def drive() -> None:
            sink.next = source[bits:]
    else:

        @always_comb
        def drive() -> None:
            sink.next = source

    return instances()
