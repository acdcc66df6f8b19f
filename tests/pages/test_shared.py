"""What every page shares: foreign text shown letter by letter, words that agree, charts, actions, the look."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InputRejected
from core.tables import now
from pages.shared import charts, context, layout, literal, words

CONFIG = tomllib.loads((layout.ROOT / ".streamlit" / "config.toml").read_text())


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=400))
def test_t04_an_escaped_label_has_no_markdown_left(text: str) -> None:
    shown = literal.escape_label(text)
    assert "\n" not in shown
    bare = shown.replace("\\\\", "")
    for sign in "*_`[]<>$#~|":
        assert bare.count(sign) == bare.count(f"\\{sign}")


@given(st.text(max_size=400))
def test_one_line_is_one_line_and_short(text: str) -> None:
    shown = literal.one_line(text, limit=40)
    assert len(shown) <= 40
    assert "\n" not in shown


@given(st.text(alphabet=st.characters(blacklist_categories=["Cs"]), max_size=100))
def test_t04_a_badge_escapes_each_sign_once(text: str) -> None:
    """Streamlit's badge escapes square brackets itself; together that is what a label gets."""
    inside = literal.chip(text).replace("[", "\\[").replace("]", "\\]")
    assert inside == literal.escape_label(text, limit=40)


def test_text_that_hides_is_shown_by_its_code() -> None:
    assert literal.one_line("a\u202eb\u200bc") == "a⟦U+202E⟧b⟦U+200B⟧c"


def test_words_agree_and_small_numbers_stay_counts() -> None:
    assert (words.counted(1, "pair"), words.counted(1200, "reply", "replies")) == ("1 pair", "1,200 replies")
    assert (words.share(0, 0), words.share(7, 12), words.share(70, 120)) == ("none yet", "7 of 12", "58 %")
    assert words.share_with_interval(70, 120) == "58 % (49–67 %, n = 120)"
    assert (words.duration(None), words.duration(95), words.duration(7260)) == ("–", "1 min 35 s", "2 h 1 min")


@given(st.integers(0, 500), st.integers(1, 500))
def test_an_interval_lies_around_its_share(k: int, n: int) -> None:
    k = min(k, n)
    low, high = words.wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(3, "just now"), (65, "1 min ago"), (7300, "2 h ago"), (200_000, "2 d ago"), (-120, "in 2 min")],
)
def test_times_are_relative(seconds: int, said: str) -> None:
    moment = now()
    assert words.ago(moment - timedelta(seconds=seconds), now=moment) == said


def test_an_action_shows_an_error_of_ours_as_its_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(context.st, "error", lambda text, **_: shown.append(text))
    with context.action() as act:
        raise InputRejected("Give a name.")
    assert (act.ok, act.error, shown) == (False, "Give a name.", [r"Give a name\."])
    with context.action() as act:
        raise ZeroDivisionError("user text")
    assert act.error == context.ACTION_FAILED
    assert "user text" not in shown[1]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the charts hand to echarts."""
    specs: list[dict[str, Any]] = []
    monkeypatch.setattr(charts.st, "echarts_chart", lambda spec, **_: specs.append(spec))
    return specs


def test_a_histogram_keeps_its_bins_and_its_mean(drawn: list[dict[str, Any]]) -> None:
    charts.histogram([(0.0, 0.5, 3), (0.5, 1.0, 7)], x="Reward", mean=0.7, alt="rewards")
    [spec] = drawn
    assert spec["dataset"]["source"] == [["Reward", "Items"], ["0–0.5", 3], ["0.5–1", 7]]
    assert spec["series"][0]["markLine"]["data"] == [{"xAxis": 1}]


def test_a_range_below_zero_can_be_read_and_zero_has_no_sign(drawn: list[dict[str, Any]]) -> None:
    charts.histogram([(-2.0, -1.8, 1), (-0.2, -0.0, 2), (0.0, 0.2, 3)], x="Reward", alt="rewards")
    assert [row[0] for row in drawn[0]["dataset"]["source"][1:]] == ["−2 to −1.8", "−0.2 to 0", "0–0.2"]


def test_the_band_of_a_trend_ends_with_its_axis(drawn: list[dict[str, Any]]) -> None:
    charts.trend([(now().date(), 0.9, 0.6, 1.2, 3)], y="Mean", low=0, high=1, alt="trend")
    assert drawn[0]["dataset"]["source"][0][1:] == [0.9, 0.6, 1.0, 0.4, 3]


def test_the_border_of_a_chosen_bar_has_the_colour_of_no_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[dict[str, Any]] = []
    monkeypatch.setattr(charts.st, "echarts_chart", lambda spec, **_: specs.append(spec))
    charts.histogram([(0.0, 1.0, 1)], x="Reward", alt="rewards", selectable=True)
    border = specs[0]["series"][0]["select"]["itemStyle"]["borderColor"]
    assert border == CONFIG["theme"]["light"]["textColor"]


def test_a_loss_that_is_no_number_leaves_a_gap(drawn: list[dict[str, Any]]) -> None:
    points = [{"step": 1, "loss": 0.5}, {"step": 2, "loss": float("nan")}, {"step": 3}]
    charts.curves(points, {"loss": ("Loss", "base")}, alt="loss")
    assert drawn[0]["dataset"]["source"] == [[1, 0.5], [2, None], [3, None]]


def test_a_day_without_an_interval_has_a_band_of_no_width(drawn: list[dict[str, Any]]) -> None:
    charts.trend([(now().date(), 0.5, None, None, 1)], y="Mean", alt="trend")
    assert drawn[0]["dataset"]["source"][0][1:] == [0.5, 0.5, 0.5, 0.0, 1]


def test_a_chart_refuses_what_should_have_been_counted_in_sql(drawn: list[dict[str, Any]]) -> None:
    with pytest.raises(ValueError, match="bucket them in SQL"):
        charts.histogram([(0.0, 1.0, 1)] * (charts.MOST_POINTS + 1), x="Reward", alt="too much")
    assert drawn == []


@given(st.lists(st.floats(-1, 1), max_size=500))
def test_a_sparkline_is_short_and_keeps_its_ends(values: list[float]) -> None:
    line = charts.sparkline(values)
    assert len(line) <= 60
    assert line[:1] == values[:1]
    assert line[-1:] == values[-1:]


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("meaning", sorted(charts.COLOURS))
def test_every_colour_can_be_seen_in_light_and_dark(meaning: str, mode: str) -> None:
    """At least 3:1 against the background (WCAG 2.2, non-text contrast)."""
    lighter, darker = sorted(
        (luminance(charts.COLOURS[meaning]), luminance(CONFIG["theme"][mode]["backgroundColor"])), reverse=True
    )
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_heading_weights_are_ones_the_browser_takes() -> None:
    assert [weight % 50 for weight in CONFIG["theme"]["headingFontWeights"]] == [0] * 6


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_both_looks_have_exactly_ten_chart_colours(mode: str) -> None:
    for palette in ("chartCategoricalColors", "chartSequentialColors", "chartDivergingColors"):
        assert len(CONFIG["theme"][mode][palette]) == 10


def test_t10_t11_the_server_is_local_tells_nobody_and_hides_its_errors() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["server"]["allowedHosts"] == ["localhost", "127.0.0.1"]
    assert CONFIG["server"]["enableXsrfProtection"]
    assert CONFIG["server"]["enableCORS"]
    assert not CONFIG["server"]["enableAgentApi"]
    assert not CONFIG["browser"]["gatherUsageStats"]
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert not CONFIG["runner"]["postScriptGC"]


def test_what_is_served_to_everybody_is_the_font_and_the_logo() -> None:
    served = {path.name for path in (layout.ROOT / "static").iterdir()}
    assert served == {"Inter.woff2", "Inter-OFL.txt", "favicon.png", "favicon.svg", "logo.svg"}
    for face in CONFIG["theme"]["fontFaces"]:
        assert face["url"].removeprefix("app/static/") in served
