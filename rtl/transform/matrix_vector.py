"""Linear transform of vectors: matrix, bias, shift and saturation, with some multipliers in parallel."""

from __future__ import annotations

from typing import Any

from myhdl import Signal, always, always_comb, always_seq, block, concat, instances, intbv, modbv

from silicodec.rtl.blocks.memory import MemoryPorts, memory
from silicodec.rtl.blocks.stream import Stream, gated, reset_gates
from silicodec.rtl.transform.matrix_tables import BIASES, SHIFT, VALUE_BITS, WEIGHTS, MatrixShape, bits_for

WEIGHT_BITS = 8
SHIFT_BITS = 5


class LanePorts:
    """What the multipliers share: where to put weights and elements, and which of them to multiply.

    Parameters
    ----------
    shape : MatrixShape
        Size of the transform.
    """

    def __init__(self, shape: MatrixShape) -> None:
        self.shape = shape
        group_bits = bits_for(shape.groups)
        self.load: Any = Signal(bool(0))
        self.load_lane: Any = Signal(intbv(0)[shape.lane_bits :])
        self.load_step: Any = Signal(intbv(0)[shape.step_bits :])
        self.weight: Any = Signal(intbv(0)[WEIGHT_BITS:])
        self.write: Any = Signal(bool(0))
        self.write_lane: Any = Signal(intbv(0)[shape.lane_bits :])
        self.write_address: Any = Signal(intbv(0)[group_bits + 1 :])
        self.element: Any = Signal(intbv(0)[shape.in_bits :])
        self.go: Any = Signal(bool(0))
        self.step: Any = Signal(intbv(0)[shape.step_bits :])
        self.read_address: Any = Signal(intbv(0)[group_bits + 1 :])


@block
def matrix_vector(
    clk: Any,
    rst: Any,
    matrix: Stream,
    vectors: Stream,
    products: Stream,
    *,
    rows: int,
    columns: int,
    multipliers: int,
    in_bits: int = 8,
    out_bits: int = 8,
) -> Any:
    """Multiply vectors by a matrix: saturate((matrix x + bias) >> shift), all signed, the sum in 32 bits.

    A vector takes `rows * columns / multipliers` cycles, without a pause between vectors, or `columns` cycles if that
    is more: the next vector comes in while one is multiplied.

    Parameters
    ----------
    matrix : Stream
        One packet before each packet of vectors. A word sets one entry: from the most significant bit its address and
        its value (32 bits), as `matrix_table` gives them. Other entries stay as they were.
    vectors : Stream
        Elements of `in_bits` bits. A last vector that is not complete is filled up with zeros.
    products : Stream
        Elements of `out_bits` bits.
    rows, columns, multipliers, in_bits, out_bits : int
        As in `MatrixShape`.
    """
    shape = MatrixShape(rows, columns, multipliers, in_bits, out_bits)
    row_bits = bits_for(rows)
    index_low = VALUE_BITS + shape.lane_bits
    kind_low = index_low + shape.step_bits
    half_bits = VALUE_BITS // 2
    # Of `columns` products; two factors of 8 bits take 15 bits and the sign even at -128 times -128.
    # At least a bit more than a half, which is added up by itself: Verilog has no bits beyond a signal.
    total_bits = max(half_bits + 1, WEIGHT_BITS + in_bits + columns.bit_length() - 1)
    lowest, highest = -(1 << (out_bits - 1)), (1 << (out_bits - 1)) - 1

    lane = LanePorts(shape)
    biases = MemoryPorts(max(2, rows), VALUE_BITS)
    results = [Signal(intbv(0, min=-(1 << 15), max=1 << 15)) for _ in range(multipliers)]
    result_sum = partial_sum(results)

    loading = Signal(bool(1))
    shift = Signal(intbv(0)[SHIFT_BITS:])
    available = Signal(bool(0))
    final_vector = Signal(bool(0))
    vector_end = Signal(bool(0))
    row_end = Signal(bool(0))

    # What is in each stage, bit by bit: read, multiplied, summed; and for the end of a row on to `total`, the two
    # halves of its sum with the bias, and `biased`.
    present = Signal(intbv(0)[3:])
    ends = Signal(intbv(0)[6:])
    lasts = Signal(intbv(0)[6:])
    row = Signal(modbv(0)[row_bits:])
    fresh = Signal(bool(1))
    summed = Signal(intbv(0, min=result_sum.min, max=result_sum.max))
    total = Signal(modbv(0, min=-(1 << (total_bits - 1)), max=1 << (total_bits - 1)))
    lower = Signal(intbv(0)[half_bits + 1 :])
    upper = Signal(modbv(0)[half_bits:])
    biased = Signal(modbv(0, min=-(1 << (VALUE_BITS - 1)), max=1 << (VALUE_BITS - 1)))
    offered = Signal(bool(0))
    offered_last = Signal(bool(0))
    packet_end = Signal(bool(0))

    loads, elements = gated(matrix, vectors)
    gates = reset_gates(rst, [matrix, vectors], [loads, elements])
    lanes = [multiplier(clk, lane, results[number], number=number) for number in range(multipliers)]
    adders = adder_tree(results, result_sum)
    bias_memory = memory(clk, biases)
    writer = vector_writer(clk, rst, elements, lane, loading, packet_end, vector_end, available, final_vector)
    reader = vector_reader(clk, rst, lane, available, row_end, vector_end)

    @always_comb
    def load() -> None:
        loads.ready.next = loading
        lane.load.next = loading and loads.valid and loads.data[:kind_low] == WEIGHTS
        lane.load_lane.next = loads.data[index_low:VALUE_BITS]
        lane.load_step.next = loads.data[kind_low:index_low]
        lane.weight.next = loads.data[WEIGHT_BITS:]
        biases.write.next = loading and loads.valid and loads.data[:kind_low] == BIASES
        biases.write_address.next = loads.data[index_low + row_bits : index_low]
        biases.write_data.next = loads.data[VALUE_BITS:]

    @always(clk.posedge)
    def load_shift() -> None:
        if loading and loads.valid and loads.data[:kind_low] == SHIFT:
            shift.next = loads.data[SHIFT_BITS:]

    @always_comb
    def handshake() -> None:
        products.valid.next = offered
        products.last.next = offered_last
        # One enable for the whole pipeline: what stands in it can't overtake what leaves.
        lane.go.next = products.ready or not offered
        packet_end.next = products.ready and offered and offered_last

    @always_comb
    def fetch_bias() -> None:
        biases.read.next = lane.go and ends[2]
        biases.read_address.next = row

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if loading:
            loading.next = not (loads.valid and loads.last)
        else:
            # Tables change only between packets, when nothing in the pipeline uses them.
            loading.next = packet_end

    @always_seq(clk.posedge, reset=rst)
    def advance() -> None:
        if lane.go:
            present.next = concat(present[2:], available)
            ends.next = concat(ends[5:], row_end)
            lasts.next = concat(lasts[5:], vector_end and final_vector)
            offered.next = ends[5]
            offered_last.next = lasts[5]
            if present[2]:
                fresh.next = ends[2]
            if ends[2]:
                row.next = row + 1
                if row == rows - 1:
                    row.next = 0

    @always(clk.posedge)
    def add_up() -> None:
        if lane.go:
            summed.next = result_sum
            # A 32-bit adder in two halves a cycle apart, the carry kept in `lower`: half the critical path.
            lower.next = total[half_bits:] + biases.read_data[half_bits:]
            upper.next = (total >> half_bits) + biases.read_data[:half_bits].signed()
            biased.next = concat(upper + lower[half_bits], lower[half_bits:])
        if lane.go and present[2]:
            if fresh:
                total.next = summed
            else:
                total.next = total + summed

    @always(clk.posedge)
    def quantise() -> None:
        if lane.go:
            shifted = intbv(0, min=-(1 << (VALUE_BITS - 1)), max=1 << (VALUE_BITS - 1))
            shifted[:] = biased >> shift
            if shifted < lowest:
                products.data.next = lowest % (1 << out_bits)
            elif shifted > highest:
                products.data.next = highest
            else:
                products.data.next = shifted[out_bits:]

    return instances()


@block
def vector_writer(
    clk: Any,
    rst: Any,
    vectors: Stream,
    lane: LanePorts,
    loading: Any,
    packet_end: Any,
    vector_end: Any,
    available: Any,
    final_vector: Any,
) -> Any:
    """Write the elements of vectors to the multipliers' memories, up to one vector ahead of the one that is read.

    Parameters
    ----------
    vectors : Stream
        Elements; what the last vector lacks is written as zeros.
    lane : LanePorts
        Where to write.
    loading : Signal of bool
        Do not begin.
    packet_end : Signal of bool
        The packet's last result leaves.
    vector_end : Signal of bool
        With `lane.go`: a vector was read for the last time.
    available, final_vector : Signal of bool
        There is a vector to read; it is the packet's last.
    """
    shape = lane.shape
    group_bits = bits_for(shape.groups)

    waiting = Signal(intbv(0)[2:])
    closing = Signal(bool(0))
    filling = Signal(bool(0))
    bank = Signal(bool(0))
    group = Signal(modbv(0)[group_bits:])
    number = Signal(modbv(0)[shape.lane_bits :])
    last_number = Signal(bool(0))
    complete = Signal(bool(0))
    accepting = Signal(bool(0))
    freed = Signal(bool(0))

    @always_comb
    def accept() -> None:
        accepting.next = not loading and not closing and waiting != 2
        last_number.next = number == shape.multipliers - 1

    @always_comb
    def write() -> None:
        vectors.ready.next = accepting
        lane.write.next = filling or (accepting and vectors.valid)
        lane.write_lane.next = number
        lane.write_address.next = concat(bank, group)
        lane.element.next = 0
        if not filling:
            lane.element.next = vectors.data
        complete.next = (filling or (accepting and vectors.valid)) and last_number and group == shape.groups - 1

    @always_comb
    def status() -> None:
        freed.next = vector_end and lane.go
        # Two banks, so that a vector comes in while the one before is read once for each row.
        available.next = waiting != 0
        final_vector.next = closing and not filling and waiting == 1

    @always_seq(clk.posedge, reset=rst)
    def control() -> None:
        if packet_end:
            closing.next = False
        elif accepting and vectors.valid:
            closing.next = vectors.last
        if complete:
            filling.next = False
        elif accepting and vectors.valid:
            filling.next = vectors.last
        if complete and not freed:
            waiting.next = waiting + 1
        elif freed and not complete:
            waiting.next = waiting - 1

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if lane.write:
            number.next = number + 1
            if last_number:
                number.next = 0
                group.next = group + 1
                if complete:
                    group.next = 0
                    bank.next = not bank

    return instances()


@block
def vector_reader(clk: Any, rst: Any, lane: LanePorts, available: Any, row_end: Any, vector_end: Any) -> Any:
    """Walk through the matrix, and through the groups of a vector once for each row.

    Parameters
    ----------
    lane : LanePorts
        What to read.
    available : Signal of bool
        There is a vector.
    row_end, vector_end : Signal of bool
        The step is the last of a row; of the vector.
    """
    shape = lane.shape
    group_bits = bits_for(shape.groups)

    bank = Signal(bool(0))
    group = Signal(modbv(0)[group_bits:])
    step = Signal(modbv(0)[shape.step_bits :])

    @always_comb
    def read() -> None:
        lane.step.next = step
        lane.read_address.next = concat(bank, group)
        row_end.next = available and group == shape.groups - 1
        vector_end.next = available and step == shape.steps - 1

    @always_seq(clk.posedge, reset=rst)
    def count() -> None:
        if lane.go and available:
            step.next = step + 1
            group.next = group + 1
            if row_end:
                group.next = 0
            if vector_end:
                step.next = 0
                bank.next = not bank

    return instances()


@block
def multiplier(clk: Any, lane: LanePorts, product: Any, *, number: int) -> Any:
    """Multiply an element by a weight in each step; both come from memories of the multiplier's own.

    Parameters
    ----------
    lane : LanePorts
        What all multipliers are told.
    product : Signal
        The product, two cycles after the step.
    number : int
        The multiplier's number.
    """
    weights = MemoryPorts(max(2, lane.shape.steps), WEIGHT_BITS)
    elements = MemoryPorts(2 << bits_for(lane.shape.groups), lane.shape.in_bits)
    weight_memory = memory(clk, weights)
    element_memory = memory(clk, elements)

    @always_comb
    def write() -> None:
        weights.write.next = lane.load and lane.load_lane == number
        weights.write_address.next = lane.load_step
        weights.write_data.next = lane.weight
        elements.write.next = lane.write and lane.write_lane == number
        elements.write_address.next = lane.write_address
        elements.write_data.next = lane.element

    @always_comb
    def read() -> None:
        weights.read.next = lane.go
        weights.read_address.next = lane.step
        elements.read.next = lane.go
        elements.read_address.next = lane.read_address

    @always(clk.posedge)
    def multiply() -> None:
        if lane.go:
            product.next = weights.read_data.signed() * elements.read_data.signed()

    return instances()


@block
def adder_tree(terms: list[Any], total: Any) -> Any:
    """Add up signed signals, without a register."""
    if len(terms) == 1:
        one, other = terms[0], 0
    else:
        one, other = partial_sum(terms[::2]), partial_sum(terms[1::2])
        halves = [adder_tree(terms[::2], one), adder_tree(terms[1::2], other)]

    @always_comb
    def add() -> None:
        total.next = one + other

    return instances()


def partial_sum(terms: list[Any]) -> Any:
    """Return a signal that can hold the sum of signed signals."""
    return Signal(intbv(0, min=sum(term.min for term in terms), max=sum(term.max for term in terms)))
