"""The demo model: built once, found again, an ordinary model folder that says what it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from core.inference.demo_base import MARKER, RECIPE, demo_base, demo_folder
from core.inference.folder import inspect_folder
from core.inference.local import LocalModel

QUICK = replace(RECIPE, steps=3)

pytestmark = pytest.mark.training


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_base(tmp_path_factory.mktemp("models"), recipe=QUICK)


def test_it_is_a_model_folder_like_any_other(built: Path) -> None:
    folder = inspect_folder(built)
    assert folder.has_chat_template
    assert folder.parameters is not None and folder.parameters < 1_000_000
    [answer] = LocalModel.load(built).generate([[{"role": "user", "content": "Hello?"}]], max_new_tokens=3)
    assert isinstance(answer, str)


def test_it_says_that_it_is_a_demo(built: Path) -> None:
    card = (built / "README.md").read_text().lower()
    assert "demo" in card
    assert str(built.parent).lower() not in card


def test_a_second_call_makes_nothing(built: Path) -> None:
    steps: list[int] = []
    again = demo_base(built.parent, recipe=QUICK, on_progress=lambda step, total: steps.append(step))
    assert (again, steps) == (built, [])


def test_the_same_recipe_makes_the_same_weights(built: Path, tmp_path: Path) -> None:
    other = demo_base(tmp_path, recipe=QUICK)
    assert (other / "model.safetensors").read_bytes() == (built / "model.safetensors").read_bytes()


def test_another_recipe_has_another_folder(tmp_path: Path) -> None:
    assert demo_folder(tmp_path, QUICK) != demo_folder(tmp_path, replace(QUICK, seed=1))


def test_a_making_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    half = demo_folder(tmp_path, QUICK)
    half.mkdir()
    (half / "config.json").write_text("{}")
    assert (demo_base(tmp_path, recipe=QUICK) / MARKER).is_file()
    assert inspect_folder(half).has_chat_template
