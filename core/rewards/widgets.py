"""The widgets a dashboard plan may use, each with the sizes it comes in (rules section 1c).

The one-hot place of a widget is its place in the alphabet; the length of such a vector is ``len(WIDGETS)``.
"""

from __future__ import annotations

_LARGE = ("expanded", "hero")

WIDGETS: dict[str, tuple[str, ...]] = dict(
    sorted(
        {
            "kpi": ("compact", "normal"),
            "alerts": ("normal", "expanded"),
            "distribution": ("normal", "expanded"),
            "comparison": _LARGE,
            "trend": _LARGE,
            "trend-multi-line": _LARGE,
            "trends-cumulative": _LARGE,
            "composition": _LARGE,
            "category-bar": _LARGE,
            "timeline": _LARGE,
            "peopleview": _LARGE,
            "peoplehexgrid": _LARGE,
            "peoplenetwork": _LARGE,
            "eventlogstream": _LARGE,
            "flow-sankey": ("hero",),
            "matrix-heatmap": ("hero",),
            "edgedevicepanel": ("hero",),
            "supplychainglobe": ("hero",),
            "chatstream": ("expanded",),
        }.items()
    )
)


def zero_based(indices: list[int]) -> list[int]:
    """A judge's widget indices counted from 0. Judges count from 1; a set that holds a 0 counts from 0 already."""
    return list(indices) if 0 in indices else [index - 1 for index in indices]
