"""What one click says: of a message, and of an execution."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import InputRejected
from core.feedback import clicks


@pytest.mark.parametrize(
    ("stars", "helpful", "accurate"),
    [(1, False, False), (2, False, False), (3, False, True), (4, True, True), (5, True, True)],
)
def test_stars_say_how_helpful_accurate_and_complete(stars: int, helpful: bool, accurate: bool) -> None:
    click = clicks.message_stars(stars)
    assert (click.feedback_type, click.rating) == (f"rating_{stars}", stars)
    assert (click.helpful, click.accurate, click.complete, click.opens_comment) == (helpful, accurate, accurate, False)


@pytest.mark.parametrize("stars", [0, 6, True, "5", None])
def test_there_are_one_to_five_stars(stars: Any) -> None:
    with pytest.raises(InputRejected):
        clicks.message_stars(stars)


def test_a_thumb_down_opens_the_box_for_words() -> None:
    up, down, copied = clicks.message_thumb(up=True), clicks.message_thumb(up=False), clicks.message_copied()
    assert (up.feedback_type, up.helpful, up.opens_comment) == ("thumbs_up", True, False)
    assert (down.feedback_type, down.helpful, down.opens_comment) == ("thumbs_down", False, True)
    assert (copied.feedback_type, copied.helpful, copied.opens_comment) == ("copy", True, False)


def test_a_thumb_on_an_execution_is_a_rating_and_down_opens_the_details() -> None:
    up, down = clicks.execution_thumb(up=True), clicks.execution_thumb(up=False)
    assert (up.feedback_type, up.rating, up.opens_detail) == ("thumbs_up", 5, False)
    assert (down.feedback_type, down.rating, down.opens_detail) == ("thumbs_down", 1, True)
