"""The corpus is as large and as plainly named as it claims to be, and made in code each time alike."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hostile.corpus import FILES, NAMES, SCRIPTS, TEXTS, WORST

EVERY = [*TEXTS, *NAMES, *FILES]


def test_the_corpus_has_more_than_two_hundred_cases_with_names_of_their_own() -> None:
    print(f"\n{len(EVERY)} hostile cases: {len(TEXTS)} texts, {len(NAMES)} names, {len(FILES)} files")
    assert len(EVERY) == len(set(EVERY)) >= 200


def test_there_are_sixty_names_forty_scripts_and_the_forty_worst() -> None:
    assert len(NAMES) >= 60
    assert len(SCRIPTS) >= 40
    assert len(WORST) == 40


def test_every_case_can_be_named_on_the_command_line() -> None:
    assert [name for name in EVERY if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


def test_no_text_and_no_name_is_there_twice() -> None:
    assert len(set(TEXTS.values())) == len(TEXTS)
    assert len(set(NAMES.values())) == len(NAMES)


@pytest.mark.parametrize("name", [name for name in FILES if "bomb" not in name])
def test_a_file_is_made_alike_every_time(name: str) -> None:
    first, again = FILES[name].build(), FILES[name].build()
    assert re.sub(rb"\x1f\x8b\x08\x00.{4}", b"", first) == re.sub(rb"\x1f\x8b\x08\x00.{4}", b"", again)


def test_nothing_large_lies_in_the_folder() -> None:
    assert max(path.stat().st_size for path in Path(__file__).parent.glob("*.*")) < 40_000
