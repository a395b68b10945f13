"""Directive `timing`: the waveform of a few signals over clock cycles, drawn from text.

A line is a signal: its name, and a character a cycle. ``p`` is a clock pulse, ``0`` and ``1`` are levels, ``x`` is an
unknown value, ``.`` continues what was before, and any other letter begins a word of data that has it as its name::

    ```{timing}
    clk   p.....
    valid 01.0..
    data  xA.x..
    ```
"""

from __future__ import annotations

from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

CYCLE, ROW, HEIGHT, SLANT, NAMES = 44, 34, 20, 4, 90
"""Sizes in pixels: a cycle, the pitch of rows, a waveform, an edge, and the column of names."""


def spans(wave: str) -> list[tuple[str, int, int]]:
    """Split a waveform into its values: character, first cycle, cycle after the last."""
    result: list[tuple[str, int, int]] = []
    for cycle, value in enumerate(wave):
        if value == "." and result:
            result[-1] = (result[-1][0], result[-1][1], cycle + 1)
        else:
            result.append((value, cycle, cycle + 1))
    return result


def clock(cycles: int, top: int) -> str:
    """Draw a clock; its rising edges begin the cycles."""
    points = []
    for cycle in range(cycles):
        left = NAMES + cycle * CYCLE
        points += [(left, top + HEIGHT), (left, top), (left + CYCLE // 2, top), (left + CYCLE // 2, top + HEIGHT)]
    points.append((NAMES + cycles * CYCLE, top + HEIGHT))
    return polyline(points)


def polyline(points: list[tuple[int, int]]) -> str:
    """Draw a line through points."""
    return f'<polyline points="{" ".join(f"{x},{y}" for x, y in points)}"/>'


def levels(wave: str, top: int) -> str:
    """Draw a signal: lines for levels, boxes for words, hatched boxes for unknown values."""
    parts, line = [], []
    for value, first, end in spans(wave):
        left, right = NAMES + first * CYCLE, NAMES + end * CYCLE
        if value in "01":
            y = top if value == "1" else top + HEIGHT
            line += [(left + SLANT, y), (right, y)]
            continue
        parts.append(polyline(line) if line else "")
        line = []
        shape = f"{left},{top + HEIGHT // 2} {left + SLANT},{top} {right - SLANT},{top} {right},{top + HEIGHT // 2} "
        shape += f"{right - SLANT},{top + HEIGHT} {left + SLANT},{top + HEIGHT}"
        kind = "unknown" if value == "x" else "word"
        parts.append(f'<polygon class="{kind}" points="{shape}"/>')
        if value != "x":
            parts.append(f'<text x="{(left + right) // 2}" y="{top + 15}" text-anchor="middle">{escape(value)}</text>')
    parts.append(polyline(line) if line else "")
    return "".join(parts)


def draw(lines: list[str]) -> str:
    """Draw the signals of a diagram as SVG."""
    signals = [line.rsplit(maxsplit=1) for line in lines if line.strip()]
    cycles = max(len(wave) for _, wave in signals)
    width, height = NAMES + cycles * CYCLE + 10, ROW * len(signals) + 10
    body = []
    for row, (name, wave) in enumerate(signals):
        top = 8 + row * ROW
        body.append(f'<text x="0" y="{top + 15}">{escape(name)}</text>')
        body.append(clock(cycles, top) if wave.startswith("p") else levels(wave, top))
    rules = "".join(
        f'<line class="edge" x1="{NAMES + cycle * CYCLE}" x2="{NAMES + cycle * CYCLE}" y1="4" y2="{height - 4}"/>'
        for cycle in range(cycles)
    )
    return (
        f'<svg class="timing" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">{rules}'
        f"{''.join(body)}</svg>"
    )


STYLE = """<style>
svg.timing { max-width: 100%; height: auto; font: 13px monospace; fill: currentColor; }
svg.timing polyline, svg.timing polygon { fill: none; stroke: currentColor; stroke-width: 1.5; }
svg.timing polygon.unknown { fill: currentColor; fill-opacity: 0.15; stroke-opacity: 0.4; }
svg.timing line.edge { stroke: currentColor; stroke-opacity: 0.25; stroke-dasharray: 3 3; }
</style>"""


class Timing(SphinxDirective):
    """The directive."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the picture."""
        return [nodes.raw("", STYLE + draw(list(self.content)), format="html")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive to Sphinx."""
    app.add_directive("timing", Timing)
    return {"parallel_read_safe": True}
