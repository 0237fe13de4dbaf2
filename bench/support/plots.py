"""SVG plots: bars with their spread, and lines. No library is needed for so little."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from bench.support.report import short
from bench.support.result import Benchmark, Figure, Line, Ratio

WIDTH, LABELS, ROW = 860, 330, 18
COLOURS = ("#1f5fa8", "#d08a2e", "#6f9a52", "#8d6cab", "#8a8a8a", "#b0524c")
STYLE = "font: 12px sans-serif; fill: #222"


def bars(found: Benchmark) -> str:
    """A group of bars for each measure, each with a scale of its own."""
    names = list(dict.fromkeys(figure.contender for figure in found.figures))
    measures = list(dict.fromkeys((figure.measure, figure.unit) for figure in found.figures))
    parts, y = [_text(8, 18, f"{found.id}: {found.title}", "bold")], 40
    for measure, unit in measures:
        group = [one for one in found.figures if (one.measure, one.unit) == (measure, unit)]
        parts.append(_text(8, y + 13, f"{measure}, {unit}", "bold"))
        y += ROW
        most = max(figure.high for figure in group) or 1
        for figure in group:
            parts += _bar(figure, y, most, COLOURS[names.index(figure.contender) % len(COLOURS)])
            y += ROW
        y += 6
    return _svg(y + 8, parts)


def ratios(found: Sequence[Benchmark]) -> str:
    """All ratios that have an aim, on a logarithmic scale: left of 1 is less than the rival."""
    rows = [(one, ratio) for one in found for ratio in one.ratios if ratio.aim is not None]
    shown = [value for _, ratio in rows for value in _values(ratio) if value > 0]
    least, most = min([0.1, *shown]), max([10.0, *shown])

    def x(value: float) -> float:
        share = math.log(max(value, least) / least) / math.log(most / least)
        return LABELS + share * (WIDTH - LABELS - 80)

    parts = [_text(8, 18, "ratios (bar and spread), and the aims (upright line)", "bold")]
    y = 32
    for one, ratio in rows:
        colour = "#4d8a4d" if ratio.met else "#b0524c"
        left, right = sorted((x(1), x(ratio.median)))
        parts += [
            _text(8, y + 12, _clipped(f"{one.id} {ratio.name} / {ratio.rival}")),
            _rectangle(left, y + 2, right - left, colour),
            _line(x(ratio.low), y + 8, x(ratio.high), y + 8),
            _line(x(ratio.aim or 1), y, x(ratio.aim or 1), y + 16),
            _text(WIDTH - 70, y + 12, short(ratio.median)),
        ]
        y += ROW
    return _svg(y + 8, parts)


def lines(found: Line) -> str:
    """One line for each contender; both axes begin at nothing."""
    points = [point for _, several in found.contenders for point in several]
    right, top = max(x for x, _ in points) or 1, max(y for _, y in points) or 1
    left, width, height = 70, WIDTH - 270, 240
    parts = [_text(8, 18, f"{found.title}: {found.y} by {found.x}", "bold")]
    for share in (0, 0.5, 1):
        y = 40 + height * (1 - share)
        parts += [_line(left, y, left + width, y, "#ccc"), _text(8, y + 4, short(top * share))]
    for x in sorted({x for x, _ in points}):
        parts.append(_text(left + width * x / right - 6, 58 + height, f"{x:g}"))
    for number, (name, several) in enumerate(found.contenders):
        colour = COLOURS[number % len(COLOURS)]
        path = " ".join(
            f"{left + width * x / right:.1f},{40 + height * (1 - y / top):.1f}" for x, y in several
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_rectangle(WIDTH - 190, 40 + ROW * number, 10, colour))
        parts.append(_text(WIDTH - 175, 51 + ROW * number, name))
    return _svg(height + 70, parts)


def _bar(figure: Figure, y: float, most: float, colour: str) -> Iterator[str]:
    scale = (WIDTH - LABELS - 80) / most
    yield _text(20, y + 12, _clipped(figure.contender))
    yield _rectangle(LABELS, y + 2, figure.median * scale, colour)
    yield _line(LABELS + figure.low * scale, y + 8, LABELS + figure.high * scale, y + 8)
    yield _text(WIDTH - 70, y + 12, short(figure.median))


def _values(ratio: Ratio) -> tuple[float, ...]:
    return ratio.median, ratio.low, ratio.high, ratio.aim or 1


def _clipped(text: str) -> str:
    return text if len(text) <= 50 else f"{text[:49]}…"


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(text)}</text>'


def _rectangle(x: float, y: float, width: float, colour: str) -> str:
    size = f'width="{max(width, 1):.1f}" height="12"'
    return f'<rect x="{x:.1f}" y="{y:.1f}" {size} fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str = "#222") -> str:
    ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
    return f'<line {ends} stroke="{colour}"/>'


def _svg(height: float, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{height:.0f}" viewBox="0 0 {WIDTH} {height:.0f}"'
    background = '<rect width="100%" height="100%" fill="#fff"/>'
    body = "\n".join([background, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} style="{STYLE}">\n{body}\n</svg>\n'
