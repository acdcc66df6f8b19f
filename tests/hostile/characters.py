"""Texts whose characters are the attack: they cannot be stored, hide, reorder, flood, or look like something else."""

from __future__ import annotations

EMPTY: dict[str, str] = {
    "empty": "",
    "spaces": "   ",
    "newlines": "\n\r\n\r",
    "only-tabs": "\t\t\t",
    "no-break-spaces": "\u00a0\u2003\u3000",
    "only-nul": "\x00",
    "only-controls": "\x01\x02\x07\x1b",
}

CONTROLS: dict[str, str] = {
    "nul-inside": "be\x00fore",
    "nul-at-the-end": "text\x00",
    "bell": "ring\x07ring",
    "backspace": "abc\x08\x08x",
    "escape-colours": "\x1b[31mred\x1b[0m",
    "escape-title": "\x1b]0;owned\x07",
    "escape-clear-screen": "\x1b[2J\x1b[H",
    "vertical-tab": "a\x0bb",
    "form-feed": "a\x0cb",
    "shift-out": "a\x0eb\x0fc",
    "device-controls": "".join(chr(code) for code in range(0x10, 0x20)) + "x",
    "delete-inside": "a\x7fb",
    "c1-controls": "".join(chr(code) for code in range(0x80, 0xA0)) + "x",
    "next-line": "a\x85b",
    "carriage-returns": "a\rb\r\nc\n\rd",
    "unicode-line-breaks": "a\u2028b\u2029c",
    "accent-behind-a-control": "e\x00\u0301",
    "all-of-ascii": "".join(map(chr, range(128))),
}

SURROGATES: dict[str, str] = {
    "high-surrogate": "a\ud800b",
    "low-surrogate": "a\udfffb",
    "swapped-surrogates": "\udc00\ud800",
    "pair-of-surrogates": "\ud83d\ude00",
    "escaped-byte": "caf\udce9",
    "noncharacters": "a\ufffe\uffff\U0001ffff\U0010ffffb",
    "private-use": "a\ue000\uf8ff\U000f0000b",
    "unassigned": "a\u0378\U000e0fffb",
    "replacement": "a\ufffdb",
}

JOINED: dict[str, str] = {
    "emoji-family": "👨‍👩‍👧‍👦 fine",
    "emoji-skin": "👍🏽👩🏾‍🚀",
    "emoji-flag": "🇩🇪🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "emoji-keycap": "1️⃣#️⃣",
    "emoji-heart-on-fire": "❤️‍🔥",
    "emoji-thousand-joined": "👩‍" * 1000 + "x",
    "zero-width-space": "pass\u200bword",
    "zero-width-joiner": "pass\u200dword",
    "zero-width-non-joiner": "pass\u200cword",
    "word-joiner": "pass\u2060word",
    "byte-order-mark-inside": "a\ufeffb",
    "byte-order-mark-first": "\ufefftext",
    "soft-hyphens": "ad\u00admin\u00adis\u00adtra\u00adtor",
    "hangul-filler": "a\u3164\u115f\u1160\uffa0b",
    "braille-blank": "a\u2800\u2800b",
    "grapheme-joiner": "a\u034fb",
    "tag-characters": "hi\U000e0041\U000e0042\U000e0043",
    "variation-selectors": "a\ufe00\ufe01\ufe0e\U000e0100\U000e01efb",
    "invisible-operators": "a\u2061\u2062\u2063\u2064b",
    "mongolian-separator": "a\u180eb",
    "interlinear": "a\ufff9b\ufffac\ufffbd",
}

DIRECTION: dict[str, str] = {
    "right-to-left-override": "invoice\u202efdp.exe",
    "left-to-right-override": "\u202dabc\u202c",
    "embeddings": "\u202aabc\u202bdef\u202c",
    "isolates": "\u2066abc\u2067def\u2068ghi\u2069",
    "unclosed-isolate": "a\u2067b",
    "direction-marks": "a\u200eb\u200fc\u061cd",
    "trojan-source": "if access != 'user\u202e \u2066// admin\u2069 \u2066':",
    "a-thousand-overrides": "\u202e" * 1000 + "x",
    "arabic": "مرحبا بالعالم",
    "hebrew-with-digits": "שלום 123 abc",
}

FLOODS: dict[str, str] = {
    "zalgo": "".join(letter + "\u0301\u0316\u0334\u20dd" * 20 for letter in "zalgo"),
    "one-letter-with-marks": "a" + "\u0301" * 19_000,
    "marks-that-must-be-sorted": "a" + "\u0301\u0323" * 9_990,
    "too-many-marks-that-must-be-sorted": "a" + "\u0301\u0323" * 39_000,
    "marks-that-unfold": "a" + "\u0344\u0f73\u0f81" * 6_000,
    "marks-alone": "\u0301" * 500,
    "enclosing-marks": "a" + "\u20dd\u20e0" * 50,
    "grows-when-composed": "\u0958" * 10_000 + "\U0001d15f" * 2_000,
    "longest-to-decompose": "\ufdfa" * 2_000,
    "hangul-jamo": "\u1112\u1161\u11ab" * 5_000,
    "ligatures": "ﬁﬂﬃﬄﬅ",
    "tamil-and-thai": "நி ก็ กี่",
}

TWINS: dict[str, str] = {
    "composed": "caf\u00e9",
    "decomposed": "cafe\u0301",
    "angstrom-sign": "\u212b",
    "cyrillic-lookalikes": "раураl",
    "mathematical-letters": "𝓈𝒸𝓇𝒾𝓅𝓉",
    "full-width-markup": "＜script＞alert(1)＜／script＞",
    "small-form-markup": "﹤script﹥",
    "dotless-i": "ı İ ſ ẞ",
    "arabic-digits": "٤ ５ ४ Ⅳ ④",
    "superscripts": "x² ⁰¹²",
    "upside-down": "˙ʇxǝʇ",
}

LONG: dict[str, str] = {
    "a-line-of-100k": "x" * 100_000,
    "a-megabyte": "word and word\n" * 75_000,
    "a-very-long-word": "Donaudampfschiff" * 1_200,
    "as-long-as-is-taken": "y" * 20_000,
    "one-too-long": "y" * 20_001,
    "2k-newlines-between": "a" + "\n" * 2_000 + "b",
    "20k-newlines-between": "a" + "\n" * 19_000 + "b",
    "20k-spaces-between": "a" + " " * 19_000 + "b",
    "20k-digits": "7" * 20_000,
    "20k-at-signs": "@" * 20_000,
    "20k-colons": ":" * 20_000,
    "20k-brackets": "[" * 20_000,
    "20k-backslashes": "\\" * 20_000,
    "20k-backticks": "`" * 20_000,
    "20k-angles": "<" * 20_000,
    "10k-emoji": "🙂" * 10_000,
    "all-planes": "".join(chr(0x10000 * plane + 0x41) for plane in range(1, 15)),
}

CHARACTERS: dict[str, str] = EMPTY | CONTROLS | SURROGATES | JOINED | DIRECTION | FLOODS | TWINS | LONG
