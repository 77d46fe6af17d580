"""What all charts of the page share: scales, marks, the limit, and the words around a chart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from report.numbers.cell import NAIVE, Cell
from report.numbers.group import Group
from report.numbers.quantities import LIMIT
from report.numbers.words import row_name
from report.palette import LIMIT_COLOR, OTHERS_COLOR, color_of

Rows = list[dict[str, Any]]
Vega = Any  # a chart of Altair, of whichever of its classes
DASHES = ([1, 0], [6, 3], [6, 2, 1, 2], [12, 3], [3, 3], [12, 2, 3, 2], [9, 2, 1, 2, 1, 2])  # of a library's idioms
NAIVE_DASHES = [1, 3]
HEIGHT = 320
PANEL_HEIGHT = 200  # of one of many


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart with the words around it. ``anchor`` is its address in the page."""

    anchor: str
    title: str
    note: str
    spec: dict[str, Any]
    narrow: bool = False  # one of many beside each other, folded


def spec_of(chart: Vega, height: int = HEIGHT) -> dict[str, Any]:
    """Return the chart as Vega-Lite, as wide as the page lets it be."""
    # Checking it against Vega-Lite's schema takes a third of a large report's time: the tests do it.
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict(validate=False)
    del spec["config"]  # the page's own, for light and dark
    return spec


def named(cell: Cell) -> dict[str, Any]:
    """Return what every row of a chart says of its cell."""
    return {"name": row_name(cell), "library": cell.library, "idiom": cell.idiom, "style": cell.style}


def scales(rows: Rows, at: str, **legend_options: Any) -> tuple[alt.Color, alt.StrokeDash]:
    """Return colour (of the library) and dashes (of the idiom) by name, in the order of the lines' last points."""
    last = {row["name"]: row for row in sorted(rows, key=lambda row: row[at])}
    names = sorted(last, key=lambda name: -last[name]["value"])
    colors = [color_of(last[name]["library"]) for name in names]
    dash_of = _dashes(rows)
    dashes = [dash_of[name] for name in names]
    legend = alt.Legend(title=None, labelLimit=0, symbolLimit=0, symbolType="stroke", **legend_options)
    return (
        alt.Color("name:N", scale=alt.Scale(domain=names, range=colors), legend=legend),
        alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
    )


def _dashes(rows: Rows) -> dict[str, list[int]]:
    """Return each name's dashes: the first idiom of a library solid, naive ones dotted."""
    of_library: dict[str, dict[str, str]] = {}
    for row in rows:
        of_library.setdefault(row["library"], {})[row["name"]] = row["style"]
    return {
        name: NAIVE_DASHES if style == NAIVE else DASHES[place % len(DASHES)]
        for styles in of_library.values()
        for place, (name, style) in enumerate(styles.items())
    }


def library_scale(libraries: Sequence[str]) -> alt.Scale:
    """Return each library's colour."""
    return alt.Scale(domain=libraries, range=[color_of(library) for library in libraries])


def log_scale(**options: Any) -> alt.Scale:
    """Return a logarithmic scale that ends where the values do, not at the next power of ten."""
    return alt.Scale(type="log", nice=False, padding=10, **options)


def curve_panels(
    rows: Rows, anchor: str, what: str, x: alt.X, limits: Sequence[dict[str, Any]] = (), shares: bool = False
) -> Iterator[Chart]:
    """Yield a narrow chart per library: a line per name from ``x`` to ``value``, the other libraries' lines in grey.

    All panels have the same axes. Points whose rows have ``low`` and ``high`` get a bar. ``limits``: points of a line
    that nothing can cross. ``shares``: values are between 0 and 1, and no seconds.
    """
    values = [row[field] for row in (*rows, *limits) for field in ("value", "low", "high") if field in row]
    for library in dict.fromkeys(row["library"] for row in rows):
        own = [row for row in rows if row["library"] == library]
        others = [{**row, "line": f"{row['library']} {row['name']}"} for row in rows if row["library"] != library]
        color, dash = scales(own, at="x", orient="bottom", columns=1)
        scale = alt.Scale(domain=[0, 1]) if shares else log_scale(domain=[min(values), max(values)])
        y = alt.Y("value:Q", scale=scale, title=what, axis=alt.Axis(format=".0%" if shares else "~s"))
        fields = [name for name in ("x", "value", "low", "high") if name in own[0]]
        tooltip = ["name:N", *(alt.Tooltip(f"{name}:Q", format=".3g") for name in fields)]
        base = alt.Chart(alt.Data(values=own)).encode(x=x, color=color)
        layers = [
            _grey(others, OTHERS_COLOR).encode(x=x, y=y, detail="line:N"),
            base.mark_line(point=alt.OverlayMarkDef(size=18), clip=True).encode(y=y, strokeDash=dash, tooltip=tooltip),
        ]
        if limits:
            layers.insert(1, _grey(limits, LIMIT_COLOR).encode(x=x, y=y))
        if "low" in own[0]:
            layers.append(base.mark_rule(clip=True).encode(y=alt.Y("low:Q", title=what), y2="high:Q"))
        spec = spec_of(alt.layer(*layers), PANEL_HEIGHT)
        yield Chart(f"{anchor}-{library}", f"{library}: {what}", "", spec, narrow=True)


def _grey(rows: Sequence[dict[str, Any]], color: str) -> alt.Chart:
    return alt.Chart(alt.Data(values=list(rows))).mark_line(color=color, strokeWidth=1, clip=True)


def with_limit(chart: Vega, group: Group, phase: str, axis: str) -> Vega:
    """Return the chart with a line across at the limit of such a round on most workers, where it is known."""
    limit = group.limit_s(group.most_workers, phase)
    if limit is None:
        return chart
    rule = alt.Chart(alt.Data(values=[{"limit": limit, "name": LIMIT}])).mark_rule(color=LIMIT_COLOR, strokeWidth=1.5)
    at = {axis: alt.X("limit:Q") if axis == "x" else alt.Y("limit:Q")}
    return chart + rule.encode(**at, tooltip=["name:N", "limit:Q"])


def and_limit(group: Group, phase: str) -> str:
    """Return what a chart's note says of that line."""
    return f"; grey: {LIMIT}" if group.limit_s(group.most_workers, phase) else ""


def one_below_the_other(field: str, rows: Rows) -> alt.Y:
    """Return an axis with the rows' names, in their order and in full."""
    names = list(dict.fromkeys(row[field] for row in rows))
    return alt.Y(f"{field}:N", sort=names, title=None, axis=alt.Axis(labelLimit=0))
