"""Draws the rates of all contenders as bars on a logarithmic scale: an SVG that can be read on light and on dark."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from bench.contenders import DATELINE, FIXED_ASGI, FIXED_WSGI, USUAL

WIDTH, LABELS, FIGURES = 760, 190, 150
TOP, ROW, BAR, BOTTOM = 64, 34, 20, 30
# One look for each kind of page: those that others make, ours, and bytes that nobody makes.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 15px; font-weight: 600; }
  .small, .tick { font-size: 11px; fill: #59636e; }
  .tick { text-anchor: middle; }
  .name { text-anchor: end; }
  .grid { stroke: #d1d9e0; }
  .other { fill: #8c959f; }
  .ours { fill: #0969da; }
  .fixed { fill: none; stroke: #8c959f; stroke-width: 1.5; stroke-dasharray: 4 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .small, .tick { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .other { fill: #6e7681; }
    .ours { fill: #4493f8; }
    .fixed { stroke: #9198a1; }
  }
"""


def _kind(name: str) -> str:
    if name == DATELINE:
        return "ours"
    return "fixed" if name in (FIXED_WSGI, FIXED_ASGI) else "other"


def draw(result: Mapping[str, Any]) -> str:
    """The picture of the different queries of a result in which the pages were measured."""
    data = result["sections"]["pages"]["data"]
    workload = next(iter(data["http"]))
    found = sorted(data["http"][workload].items(), key=lambda item: item[1]["ratio"])
    # Of the two ways to send ready-made bytes the faster is what others are held against.
    slower = next(name for name, _ in found if name in (FIXED_WSGI, FIXED_ASGI))
    found = [(name, figures) for name, figures in found if name != slower]
    low = math.floor(math.log10(min(figures["ratio"] for _, figures in found)) - 0.2)
    high = math.ceil(math.log10(max(figures["ratio"] for _, figures in found)))
    per_decade = (WIDTH - LABELS - FIGURES) / (high - low)
    height = TOP + ROW * len(found) + BOTTOM

    def along(ratio: float) -> float:
        return LABELS + (math.log10(ratio) - low) * per_decade

    title = "A page of 100 events: requests a second beside the usual way"
    about = f"{result['events']:,} events, {data['queries']} different queries, one worker each; logarithmic"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'role="img" aria-labelledby="title about">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="about">{escape("; ".join(_told(data, name, figures) for name, figures in found))}</desc>',
        f"<style>{STYLE}</style>",
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        f'<text class="small" x="12" y="44">{escape(about)}</text>',
    ]
    for power in range(low, high + 1):
        x = LABELS + (power - low) * per_decade
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 6}" y2="{height - BOTTOM}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{height - BOTTOM + 16}">{10.0**power:g} x</text>')
    for number, (name, figures) in enumerate(found):
        y = TOP + ROW * number
        label = "Ready-made bytes" if _kind(name) == "fixed" else data["contenders"][name]
        label = label[0].upper() + label[1:] + (" (peewee)" if name == USUAL else "")
        end = along(figures["ratio"])
        told = f"{_ratio(figures['ratio'])} · {figures['median']:,.0f}/s"
        parts += [
            f'<text class="name" x="{LABELS - 10}" y="{y + 15}">{escape(label)}</text>',
            f'<rect class="{_kind(name)}" x="{LABELS}" y="{y}" width="{end - LABELS:.1f}" height="{BAR}"/>',
            f'<text x="{end + 8:.1f}" y="{y + 15}">{told}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f} x" if ratio >= 10 else f"{ratio:.1f} x"


def _told(data: Mapping[str, Any], name: str, figures: Mapping[str, float]) -> str:
    return f"{data['contenders'][name]}: {_ratio(figures['ratio'])}, {figures['median']:,.0f} requests a second"
