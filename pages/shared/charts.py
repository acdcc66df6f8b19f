"""Every chart of every page, drawn with echarts: bars from bins, a trend with its interval, live training curves.

    charts.histogram([(b.low, b.high, b.count) for b in bins], colour="human", x="Reward", mean=0.62, alt="…")
    charts.trend([(day, mean, low, high, n), …], y="Mean reward", alt="…")
    charts.curves([{"step": 1, "loss": 0.69}, …], {"loss": ("Loss", "base")}, alt="…")
    charts.training(points, key="run")           the three live charts of a run in one call
    st.metric(…, chart_data=charts.sparkline(values), chart_type="line")

One meaning per colour everywhere (``COLOURS``), chosen to read on white and on near-black alike and always
beside a label. The caller aggregates and buckets in SQL; more than ``MOST_POINTS`` is refused.
Foreign names (agents) in ``name``/labels are drawn as plain text by echarts; inside tooltip templates use
``literal.escape_html``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import streamlit as st

MOST_POINTS = 2_000

# At least 3:1 against both backgrounds (WCAG for graphics), and apart for the common kinds of colour blindness.
COLOURS = {
    "chosen": "#0d9488",  # teal
    "rejected": "#e5486d",  # rose
    "human": "#8b5cf6",  # violet
    "judge": "#d97706",  # amber
    "rules": "#7c7f88",  # grey
    "base": "#64809c",  # slate
    "adapter": "#6366f1",  # indigo
}
_FAINT = "rgba(127, 127, 140, 0.18)"
_QUIET = "rgba(127, 127, 140, 0.9)"


def histogram(
    bins: Sequence[tuple[float, float, int]],
    *,
    colour: str = "adapter",
    x: str,
    alt: str,
    mean: float | None = None,
    height: int = 220,
    key: str | None = None,
    selectable: bool = False,
) -> list[int]:
    """Bars from ``(low, high, count)``; with ``mean`` a labelled tick. Returns the indexes of the chosen bars."""
    _few_enough(len(bins))
    bar: dict[str, Any] = {
        "type": "bar",
        "barCategoryGap": "8%",
        "itemStyle": {"color": COLOURS[colour], "borderRadius": [3, 3, 0, 0]},
        "encode": {"x": 0, "y": 1, "tooltip": [1]},
    }
    if selectable:
        bar["selectedMode"] = "multiple"
        bar["select"] = {"itemStyle": {"borderColor": _ink(), "borderWidth": 2}}
    if mean is not None and bins:
        bar["markLine"] = _mean_tick(bins, mean)
    spec = _frame(headroom=mean is not None, named=bool(x)) | {
        "dataset": {"source": [[x, "Items"], *([_range(low, high), n] for low, high, n in bins)]},
        "xAxis": {"type": "category", "name": x, **_BELOW, "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1, "splitNumber": 2 if height < 160 else 5, "splitLine": _SPLIT},
        "series": [bar],
    }
    return _draw(spec, height=height, key=key, alt=alt, selectable=selectable)


def trend(
    points: Sequence[tuple[date | datetime, float, float | None, float | None, int]],
    *,
    y: str,
    alt: str,
    colour: str = "human",
    marks: Sequence[tuple[date | datetime, str]] = (),
    low: float | None = None,
    high: float | None = None,
    height: int = 220,
    key: str | None = None,
) -> None:
    """A line through ``(day, mean, low, high, n)`` with its interval as a band; ``marks`` are labelled days.

    ``low`` and ``high`` fix the axis, and the band ends there; a day without items is simply absent from ``points``;
    a day too small for an interval has None for both its ends.
    """
    _few_enough(len(points))
    rows = [_with_interval(*point, least=low, most=high) for point in points]
    line: dict[str, Any] = {
        "type": "line",
        "name": y,
        "encode": {"x": "day", "y": "mean"},
        "itemStyle": {"color": COLOURS[colour]},
        "lineStyle": {"width": 2},
        "symbolSize": 5,
        "showSymbol": len(rows) < 45,
        "z": 3,
    }
    if marks:
        line["markLine"] = {
            "symbol": "none",
            "lineStyle": {"color": COLOURS["adapter"], "type": "dashed"},
            "label": {"color": COLOURS["adapter"], "position": "insideEndTop"},
            "data": [{"xAxis": _day(d), "label": {"formatter": text}} for d, text in marks],
        }
    spec = _frame() | {
        "tooltip": {
            "trigger": "axis",
            "formatter": "{@day}<br/>{@mean} ({@low} to {@high}, n = {@n})",
        },
        "dataset": {"dimensions": ["day", "mean", "low", "high", "width", "n"], "source": rows},
        "xAxis": {"type": "time", "axisLabel": {"hideOverlap": True}, "splitLine": {"show": False}},
        "yAxis": {"type": "value", "scale": low is None, "min": low, "max": high, "splitLine": _SPLIT},
        "series": [line, *_band(COLOURS[colour])],
    }
    _draw(spec, height=height, key=key, alt=alt)


def curves(
    points: Sequence[Mapping[str, float | None]],
    series: Mapping[str, tuple[str, str]],
    *,
    alt: str,
    x: str = "step",
    right: Sequence[str] = (),
    zero: bool = False,
    percent: Sequence[str] = (),
    height: int = 220,
    key: str | None = None,
) -> None:
    """Lines over ``x`` from rows of numbers: ``series`` maps a column to (its words, its colour).

    Columns in ``right`` use a second axis; ``zero`` draws the zero line; ``percent`` columns lie in [0, 1].
    Missing values leave a gap. Give a ``key`` to live charts, so that values move instead of the chart redrawing.
    """
    _few_enough(len(points))
    columns = [x, *series]
    rows = [[_rounded(point.get(column)) for column in columns] for point in points]
    lines: list[dict[str, Any]] = [
        {
            "type": "line",
            "name": words,
            "encode": {"x": x, "y": column},
            "yAxisIndex": 1 if column in right else 0,
            "showSymbol": len(rows) < 2,
            "lineStyle": {"width": 2, "type": "dashed" if column in right else "solid"},
            "itemStyle": {"color": COLOURS[colour]},
            "tooltip": {"valueFormatter": "percent" if column in percent else "%.3f"},
        }
        for column, (words, colour) in series.items()
    ]
    if zero:
        lines[0]["markLine"] = {
            "symbol": "none",
            "silent": True,
            "label": {"show": False},
            "lineStyle": {"color": _QUIET, "type": "solid", "width": 1},
            "data": [{"yAxis": 0}],
        }
    axes = [{"type": "value", "scale": True, "splitLine": _SPLIT}]
    if right:
        axes.append({"type": "value", "min": 0, "max": 1, "splitLine": {"show": False}})
    spec = _frame(legend=len(series) > 1) | {
        "tooltip": {"trigger": "axis"},
        "dataset": {"dimensions": columns, "source": rows},
        "xAxis": {"type": "value", "min": "dataMin", "max": "dataMax", "minInterval": 1, "splitLine": {"show": False}},
        "yAxis": axes,
        "series": lines,
        "animationDuration": 0,
        "animationDurationUpdate": 250,
    }
    _draw(spec, height=height, key=key, alt=alt)


def training(points: Sequence[Mapping[str, float | None]], *, key: str, height: int = 210) -> None:
    """A run's live charts from rows with RunMetric's columns: loss; margin with accuracy; chosen and rejected."""
    charts: tuple[tuple[str, dict[str, tuple[str, str]], dict[str, Any]], ...] = (
        ("Loss", {"loss": ("Loss", "base")}, {}),
        (
            "Reward margin and accuracy",
            {"reward_margin": ("Margin, nats", "adapter"), "reward_accuracy": ("Accuracy", "judge")},
            {"right": ("reward_accuracy",), "percent": ("reward_accuracy",)},
        ),
        (
            "Chosen against rejected reward",
            {"chosen_reward": ("Chosen", "chosen"), "rejected_reward": ("Rejected", "rejected")},
            {"zero": True},
        ),
    )
    with st.grid(3, min_column_width=300):
        for number, (title, series, extra) in enumerate(charts):
            with st.container(border=True, gap="xxsmall"):
                st.caption(title)
                curves(points, series, key=f"{key}_{number}", height=height, alt=f"{title} by step", **extra)


def sparkline(values: Sequence[float], *, most: int = 60) -> list[float]:
    """At most ``most`` of the values, evenly taken and the last kept: for metrics and dataframe cells."""
    if len(values) <= most:
        return list(values)
    stride = (len(values) - 1) / (most - 1)
    return [values[round(i * stride)] for i in range(most)]


_SPLIT = {"lineStyle": {"color": _FAINT}}
_BELOW = {"nameLocation": "middle", "nameGap": 28, "nameTextStyle": {"color": _QUIET}}


def _frame(*, legend: bool = False, headroom: bool = False, named: bool = False) -> dict[str, Any]:
    top = 34 if legend else 26 if headroom else 12
    bottom = 28 if named else 8  # the axis' labels have their room by themselves, its name has not
    spec: dict[str, Any] = {
        "backgroundColor": "transparent",
        "grid": {"left": 8, "right": 12, "top": top, "bottom": bottom, "containLabel": True},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "animationDuration": 250,
    }
    if legend:
        spec["legend"] = {"top": 0, "left": 0, "itemWidth": 14, "itemHeight": 8, "icon": "roundRect"}
    return spec


def _band(colour: str) -> list[dict[str, Any]]:
    """Two stacked areas, the lower one invisible: echarts' way to fill between two lines."""
    plain = {
        "type": "line",
        "stack": "band",
        "stackStrategy": "all",
        "symbol": "none",
        "silent": True,
        "lineStyle": {"opacity": 0},
    }
    return [
        plain | {"encode": {"x": "day", "y": "low"}},
        plain | {"encode": {"x": "day", "y": "width"}, "areaStyle": {"color": colour, "opacity": 0.16}},
    ]


def _mean_tick(bins: Sequence[tuple[float, float, int]], mean: float) -> dict[str, Any]:
    inside = next((i for i, (low, high, _) in enumerate(bins) if low <= mean <= high), len(bins) - 1)
    return {
        "symbol": "none",
        "silent": True,
        "lineStyle": {"color": _ink(), "type": "dashed", "opacity": 0.7},
        "label": {"formatter": f"mean {mean:.2f}".replace("-", "−"), "color": _QUIET},
        "data": [{"xAxis": inside}],
    }


def _ink() -> str:
    """The text's colour, for what has to stand out against a bar of any meaning."""
    return "#e6e8ee" if st.context.theme.type == "dark" else "#1b1f2a"


def _draw(spec: dict[str, Any], *, height: int, key: str | None, alt: str, selectable: bool = False) -> list[int]:
    if not selectable:
        st.echarts_chart(spec, height=height, key=key, alt=alt)
        return []
    event: Any = st.echarts_chart(spec, height=height, key=key, alt=alt, on_select="rerun")
    groups = event.selection.selected if event and event.selection else []
    return sorted({index for group in groups for index in group["data_indices"]})


def _few_enough(n: int) -> None:
    if n > MOST_POINTS:
        raise ValueError(f"a chart takes at most {MOST_POINTS} points, got {n}: bucket them in SQL")


def _day(moment: date | datetime) -> str:
    return moment.isoformat()


def _range(low: float, high: float) -> str:
    """ "0.2–0.4"; a dash beside a minus sign could not be read."""
    ends = [f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".") for value in (low, high)]  # + 0.0: never "-0"
    return " to ".join(ends).replace("-", "−") if low < 0 else "–".join(ends)


def _with_interval(
    day: date | datetime,
    mean: float,
    low: float | None,
    high: float | None,
    n: int,
    *,
    least: float | None = None,
    most: float | None = None,
) -> list[str | float]:
    """A row of a trend; where no interval is known the band has no width, and none reaches beyond the axis."""
    low, high = mean if low is None else low, mean if high is None else high
    low, high = low if least is None else max(least, low), high if most is None else min(most, high)
    return [_day(day), *(round(value, 3) for value in (mean, low, high, high - low)), n]


def _rounded(value: float | None) -> float | None:
    # echarts is JSON: a NaN or an infinite loss has no place in it, and leaves a gap
    return None if value is None or value != value or value in (float("inf"), float("-inf")) else round(value, 5)
