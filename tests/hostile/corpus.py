"""The hostile things people and programs send: texts, names, files. Each has a name that stays, and is made in code.

TEXTS   what stands in a comment, a prompt, an answer, a name
NAMES   what is given as the name of a file or folder
FILES   what is uploaded; ``says`` is a part of the sentence that refuses it, None when it is read
SCRIPTS those of TEXTS that a browser would run or fetch
WORST   the forty texts every page is opened with
WORDS   those of TEXTS that could be given as a name, a filter or a moment
"""

from __future__ import annotations

from tests.hostile.characters import CHARACTERS, CONTROLS, DIRECTION, EMPTY, JOINED, SURROGATES
from tests.hostile.files import TEXT_FILES, HostileFile
from tests.hostile.markup import INJECTIONS, MARKUP, SCRIPTS, VALUES
from tests.hostile.names import NAMES
from tests.hostile.packed import PACKED_FILES

__all__ = ["FILES", "NAMES", "SCRIPTS", "TEXTS", "WORDS", "WORST", "HostileFile"]

TEXTS: dict[str, str] = CHARACTERS | MARKUP
WORDS: dict[str, str] = EMPTY | CONTROLS | SURROGATES | JOINED | DIRECTION | INJECTIONS | VALUES
FILES: dict[str, HostileFile] = TEXT_FILES | PACKED_FILES
WORST: dict[str, str] = {
    name: TEXTS[name]
    for name in (
        *("escape-colours", "c1-controls", "carriage-returns", "unicode-line-breaks", "all-of-ascii", "high-surrogate"),
        *("noncharacters", "emoji-family", "emoji-thousand-joined", "zero-width-joiner", "tag-characters"),
        *("right-to-left-override", "trojan-source", "a-thousand-overrides", "zalgo", "one-letter-with-marks"),
        *("marks-that-must-be-sorted", "as-long-as-is-taken", "2k-newlines-between", "20k-colons", "20k-brackets"),
        *("20k-backslashes", "10k-emoji", "script", "image-onerror-quoted", "svg-animate", "comment-unclosed"),
        *("markdown-script-link", "markdown-beacon-by-reference", "latex-link", "latex-display", "fence"),
        *("streamlit-unclosed", "streamlit-badge", "arrows", "formula-command", "template-percent", "chart-template"),
        *("judge-tokens", "a-very-long-word"),
    )
}
