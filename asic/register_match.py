"""Which register of the netlist is which of the Verilog, where both have had their registers cut in two."""

from __future__ import annotations

from pyosys import libyosys as yosys

from silicodec.asic.compared_designs import ComparedDesigns

EQUAL = "no model found: SUCCESS!"
"""What Yosys says where a proof holds."""


class RegisterMatch:
    """Gives matching registers of both designs the same names.

    Parameters
    ----------
    designs : ComparedDesigns
        The designs, cut at their registers; they are changed.

    Attributes
    ----------
    complete : bool
        Whether every register was cut, and those of both designs have the same names.
    one_to_one : bool
        Whether the Verilog has no register that the netlist has not.
    """

    def __init__(self, designs: ComparedDesigns) -> None:
        self._designs = designs
        self.one_to_one = False
        self.complete = self._match()

    def _match(self) -> bool:
        if self._designs.selected("gold/t:$*DFF* gate/t:$*DFF*"):
            return False
        self._rename_by_source()
        self._match_netlist_alone()
        self._tie_one_nets()
        surplus = self._only_in("gold")
        self._settle(surplus)
        self.one_to_one = not surplus
        return self._designs.selected("gold/x:*") == self._designs.selected("gate/x:*")

    def _only_in(self, module: str) -> set[str]:
        """Find the registers of one design that the other has not."""
        other = "gate" if module == "gold" else "gold"
        return self._designs.registers(module) - self._designs.registers(other)

    def _rename_by_source(self) -> None:
        """Give registers of the Verilog the names that the netlist has for the same nets."""
        unmatched = {self._designs.source(name): name for name in sorted(self._only_in("gold"), reverse=True)}
        for name in sorted(self._only_in("gate")):
            if register := unmatched.pop(self._designs.source(name), None):
                self._rename_register(register, name)

    def _match_netlist_alone(self) -> None:
        """Find what the Verilog has for each register that is only in the netlist."""
        left = self._only_in("gold")
        both = self._designs.registers("gold") - left
        outputs = self._designs.selected("gate/o:*")
        for name in sorted(self._only_in("gate")):
            if twin := self._twin(name, both):
                self._join(name, twin, "gate", "gold")
            # An output of one design may be a register that in the other has a buffer after it, and another name.
            elif register := self._register_behind("gold", name, left) or next(
                (one for one in sorted(left & outputs) if self._register_behind("gate", one, {name})), None
            ):
                left.remove(register)
                self._rename_register(register, name)

    def _tie_one_nets(self) -> None:
        """Tie registers of both designs that are one net to synthesis, as where a register drives two outputs."""
        groups: dict[str, list[str]] = {}
        for name in sorted(self._designs.registers("gold") & self._designs.registers("gate")):
            groups.setdefault(self._designs.source(name), []).append(name)
        for name, *others in groups.values():
            for other in others:
                self._tie(other, name)

    def _settle(self, surplus: set[str]) -> None:
        """Say what each register is that only the Verilog has: unused, a copy of another, a constant, or unknown."""
        gate = self._designs.registers("gate")
        unused = self._unused(surplus)
        for name in sorted(surplus):
            if name in unused:
                self._leave_open(name)
            elif twin := self._twin(name, gate):
                self._join(name, twin, "gold", "gate")
            elif value := self._held_constant(name):
                self._hold(name, value)
            elif (lower := _next_lower_bit(name)) in gate:
                self._join(name, lower, "gold", "gate")
            else:
                self._leave_open(name)

    def _register_behind(self, module: str, port: str, registers: set[str]) -> str | None:
        """Which of some registers of a module an output depends on, if it is one."""
        candidates = {net.removesuffix(".q") for net in self._designs.selected(f"{module}/{port} %ci*")} & registers
        return candidates.pop() if len(candidates) == 1 else None

    def _rename_register(self, register: str, name: str) -> None:
        self._designs.in_module("gold", *(f"rename {register}.{part} {name}.{part}" for part in "cdq"))

    def _unused(self, registers: set[str]) -> set[str]:
        """Which of some registers of `gold` nothing depends on but they themselves, as the high bits of a counter."""
        if not registers:
            return set()
        self._designs.run("design -push-copy")
        self._designs.in_module("gold", "techmap", "opt", "splitnets")  # bits of a sum depend on lower bits alone
        unused = set(registers)
        while unused:
            inputs = " ".join(f"gold/w:{name}.{part}" for name in sorted(unused) for part in "cd")
            self._designs.run(f"select -set inputs {inputs}")
            reached = self._designs.selected("gold/o:* @inputs %d %ci*")
            if not (used := {name for name in unused if f"{name}.q" in reached}):
                break
            unused -= used
        self._designs.run("design -pop")
        return unused

    def _held_constant(self, register: str) -> str | None:
        """Value that a register of the Verilog keeps once it has it, whatever else there is."""
        for value in "01":
            kept = f"sat -set {register}.q {value} -prove {register}.d {value} gold"
            self._designs.run(kept, output="proof")
            if EQUAL in (self._designs.folder / "proof").read_text():
                return value
        return None

    def _hold(self, register: str, value: str) -> None:
        """Let a register of the Verilog have the value that it keeps."""
        gold = self._designs.module("gold")
        output = _wire(gold, f"{register}.q")
        output.port_input = False
        gold.connect(yosys.SigSpec(output), yosys.SigSpec(yosys.Const(int(value), 1)))
        gold.fixup_ports()
        self._designs.in_module("gold", f"delete -port w:{register}.c w:{register}.d")

    def _leave_open(self, register: str) -> None:
        """Let a register that the netlist has not got be anything: what depends on it will not be proven."""
        self._designs.in_module("gold", f"delete -port w:{register}.c w:{register}.d")
        self._designs.in_module("gate", f"add -input {register}.q 1")

    def _twin(self, register: str, others: set[str]) -> str | None:
        """Which of some registers is one net with another to synthesis, if one is."""
        source = self._designs.source(register)
        return min((one for one in others if self._designs.source(one) == source), default=None)

    def _join(self, register: str, twin: str, having: str, lacking: str) -> None:
        """Let a register of one design stand for two of the other: both have to get what that one gets."""
        self._share_output(having, register, twin)
        for part in "cd":
            self._add_output(lacking, f"{register}.{part}", f"{twin}.{part}")

    def _tie(self, register: str, twin: str) -> None:
        """Let two registers that both designs have hold the same: all four have to get the same."""
        for module in ("gold", "gate"):
            self._share_output(module, register, twin)
        for part in "cd":
            self._add_output("gold", f"{register}.{part}.twin", f"{twin}.{part}")
            self._add_output("gate", f"{register}.{part}.twin", f"{register}.{part}")

    def _share_output(self, name: str, register: str, twin: str) -> None:
        module = self._designs.module(name)
        output = _wire(module, f"{register}.q")
        output.port_input = False
        module.connect(yosys.SigSpec(output), yosys.SigSpec(_wire(module, f"{twin}.q")))
        module.fixup_ports()

    def _add_output(self, name: str, output: str, source: str) -> None:
        module = self._designs.module(name)
        wire = module.addWire(yosys.IdString(f"\\{output}"), 1)
        wire.port_output = True
        module.connect(yosys.SigSpec(wire), yosys.SigSpec(_wire(module, source)))
        module.fixup_ports()


def _next_lower_bit(register: str) -> str:
    """Which bit a register may copy: where a word is longer than a sum, it has more copies of the sum's sign."""
    word, _, number = register.removesuffix("]").rpartition("[")
    return f"{word}[{int(number) - 1}]" if number.isdigit() else ""


def _wire(module: yosys.Module, name: str) -> yosys.Wire:
    return module.wire(yosys.IdString(f"\\{name}"))
