"""Files that are broken, mixed, misnamed or endless, made of text. Each says whether it is read or why it is refused.

``says`` is a part of the sentence that refuses the file as a whole; None when it is read, at least in part.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class HostileFile:
    """``build`` makes the bytes when a test needs them: some are many megabytes."""

    filename: str
    build: Callable[[], bytes]
    says: str | None = None


def text_file(filename: str, content: str | bytes, says: str | None = None) -> HostileFile:
    data = content if isinstance(content, bytes) else content.encode()
    return HostileFile(filename, lambda: data, says)


SURVEY = "id,comment,rating\n1,Waited two hours,2\n2,Kind and quick,5\n"
PAIR = '{"prompt": "How?", "chosen": "So.", "rejected": "No."}'
MAX_ROWS = 10_000  # the tests read with this limit, so that many rows cost little
MANY = "more than 10,000 rows"
_UNREADABLE = "not text"

NOTHING: dict[str, HostileFile] = {
    "csv-of-0-bytes": text_file("a.csv", "", "empty"),
    "jsonl-of-0-bytes": text_file("a.jsonl", "", "empty"),
    "only-newlines": text_file("a.csv", "\n\r\n\r" * 1_000, "empty"),
    "only-spaces": text_file("a.jsonl", " \t\u00a0\u3000" * 1_000, "empty"),
    "only-a-byte-order-mark": text_file("a.csv", b"\xef\xbb\xbf", "empty"),
    "only-a-header": text_file("a.csv", "id,comment,rating\n", "no rows"),
    "only-separators": text_file("a.csv", ",,,\n,,,\n", "is empty"),
    "an-empty-list": text_file("a.json", "[]", "no rows"),
    "an-empty-list-under-a-name": text_file("a.json", '{"data": []}', "no rows"),
    "no-name": text_file("", SURVEY),
    "a-path-for-a-name": text_file("../../etc/passwd", SURVEY),
    "a-name-of-300-characters": text_file("a" * 300 + ".csv", SURVEY),
    "a-name-with-nul": text_file("a\x00.csv", SURVEY),
    "a-name-with-half-a-pair": text_file("\ud800\u202e.csv", SURVEY),
}

ENCODINGS: dict[str, HostileFile] = {
    "byte-order-mark": text_file("a.csv", SURVEY.encode("utf-8-sig")),
    "two-byte-order-marks": text_file("a.csv", b"\xef\xbb\xbf" + SURVEY.encode("utf-8-sig")),
    "utf-16": text_file("a.csv", SURVEY.encode("utf-16")),
    "utf-16-big": text_file("a.csv", b"\xfe\xff" + SURVEY.encode("utf-16-be")),
    "utf-16-without-mark": text_file("a.csv", SURVEY.encode("utf-16-le"), _UNREADABLE),
    "utf-16-cut-in-a-character": text_file("a.csv", SURVEY.encode("utf-16")[:-1]),
    "utf-16-half-a-pair": text_file("a.jsonl", b"\xff\xfe" + b'{\x00"\x00a\x00"\x00:\x00"\x00\x00\xd8"\x00}\x00'),
    "utf-32": text_file("a.csv", SURVEY.encode("utf-32")),
    "utf-32-without-mark": text_file("a.csv", SURVEY.encode("utf-32-be"), _UNREADABLE),
    "utf-32-out-of-range": text_file("a.csv", b"\xff\xfe\x00\x00" + b"\xff\xff\xff\x7f" * 20, "no rows"),
    "utf-7": text_file("a.csv", "id,comment\n1,+ADw-script+AD4-\n"),
    "mac-roman": text_file("a.csv", "id,comment\n1,Café très agréable\n".encode("mac-roman")),
    "windows-1252": text_file("a.csv", "id,comment\n1,“Café” – fine\n".encode("cp1252")),
    "shift-jis": text_file("a.csv", "id,comment\n1,待ち時間が長い\n".encode("shift-jis")),
    "ebcdic": text_file("a.csv", SURVEY.encode("cp037"), "no rows"),
    "mixed-encodings": text_file("a.csv", b"id,comment\n1,caf\xe9\n2,caf\xc3\xa9\n3,\x81\x8d\xff\xfe\n"),
    "overlong-slash": text_file("a.csv", b"id,comment\n1,\xc0\xaf\xe0\x80\xaf\n"),
    "encoded-surrogates": text_file("a.csv", b"id,comment\n1,\xed\xa0\x80\xed\xbf\xbf\n"),
    "cut-in-a-character": text_file("a.csv", "id,comment\n1,café".encode()[:-1]),
    "nul-everywhere": text_file("a.csv", "\x00".join(SURVEY), _UNREADABLE),
    "a-nul-in-a-cell": text_file("a.csv", "id,comment\n" + "1,long enough to be text a\x00b\n" * 9),
    "nul-behind-the-first-8k": text_file("a.csv", "id,comment\n" + "1,fine\n" * 3_000 + "\x00" * 5_000),
    "escape-sequences": text_file("a.csv", "id,comment\n1,\x1b[31mred\x1b[0m and \x1b]0;t\x07\n"),
}

TABLES: dict[str, HostileFile] = {
    "wrong-columns": text_file("a.csv", "x,y\n1,2\n3,4\n"),
    "semicolons": text_file("a.csv", SURVEY.replace(",", ";")),
    "tabs": text_file("a.tsv", SURVEY.replace(",", "\t")),
    "pipes": text_file("a.csv", SURVEY.replace(",", "|")),
    "separator-line": text_file("a.csv", "sep=;\n" + SURVEY.replace(",", ";")),
    "returns-alone": text_file("a.csv", SURVEY.replace("\n", "\r")),
    "returns-doubled": text_file("a.csv", SURVEY.replace("\n", "\r\r\n")),
    "line-separators": text_file("a.csv", SURVEY.replace("\n", "\u2028"), "no rows"),
    "ragged": text_file("a.csv", "id,comment,rating\n1,Fine\n2,Good,5,extra,more\n3\n,,\n"),
    "header-shorter-than-rows": text_file("a.csv", "comment\na,b,c\nd,e,f\n"),
    "same-header-twice": text_file("a.csv", "comment,comment,Comment,comment (2)\na,b,c,d\n"),
    "empty-headers": text_file("a.csv", ",,comment,\n1,2,Fine,4\n"),
    "headers-of-markup": text_file("a.csv", "<script>alert(1)</script>,=1+1,comment\n1,2,Fine\n"),
    "a-header-of-100k-characters": text_file("a.csv", "x" * 100_000 + ",comment\n1,Fine\n"),
    "501-columns": text_file("a.csv", ",".join(f"c{n}" for n in range(501)) + "\n" + ",".join(["1"] * 501) + "\n"),
    "a-million-columns": HostileFile("a.csv", lambda: b"c," * 1_000_000 + b"\n1,2\n"),
    "unclosed-quote": text_file("a.csv", 'id,comment\n1,"never closed\n2,Fine\n3,Good\n'),
    "unclosed-quote-in-the-header": text_file("a.csv", '"id,comment\n1,Fine\n', "never closed"),
    "a-quote-in-the-middle": text_file("a.csv", 'id,comment\n1,say "hello" now\n2,"a"b"c"\n'),
    "a-storm-of-quotes": HostileFile("a.csv", lambda: b"id,comment\n" + b'1,"a\n' * 10_000),
    "quotes-alone": HostileFile("a.csv", lambda: b'"' * 1_000_001, "a quotation mark may not be closed"),
    "quotes-and-newlines": HostileFile("a.csv", lambda: b'"\n' * 200_000, "is empty"),
    "a-cell-of-200k-characters": text_file("a.csv", "id,comment\n1," + "x" * 200_000 + "\n2,Fine\n"),
    "a-long-cell-of-many-lines": text_file(
        "a.csv", 'id,comment\n1,"' + "thirty characters and a line\n" * 6_000 + '"\n2,Fine\n'
    ),
    "formulas": text_file("a.csv", 'id,comment\n1,=1+1\n2,"=HYPERLINK(""http://evil.example"",""x"")"\n3,@SUM(1)\n'),
    "formulas-in-the-header": text_file("a.csv", "=cmd|' /C calc'!A0,comment\n1,Fine\n"),
    "numbers": text_file("a.csv", "comment,rating\nFine,1e400\nGood,NaN\nBad,-0\nSlow,9223372036854775808\nOld,٤\n"),
    "dates": text_file("a.csv", "comment,date\nA,0000-00-00\nB,99999-01-01\nC,2026-02-30\nD,31/31/2026\nE,1e9\n"),
    "a-million-short-lines": HostileFile("a.csv", lambda: b"comment\n" + b"a\n" * 1_000_000, MANY),
    "half-a-million-returns": HostileFile("a.csv", lambda: b"comment\r" + b"\r" * 500_000 + b"a"),
    "more-than-20-megabytes": HostileFile("a.csv", lambda: b"a" * (20 * 1024 * 1024 + 1), "more than 20 MB"),
    "json-named-csv": text_file("a.csv", f"[{PAIR}]", "no rows"),
    "csv-named-json": text_file("a.json", SURVEY),
    "csv-named-jsonl": text_file("a.jsonl", SURVEY),
    "html": text_file("a.csv", "<html><body><table><tr><td>x</td></tr></table></body></html>\n<p>y</p>\n"),
    "xml": text_file("a.xml", '<!DOCTYPE x [<!ENTITY y SYSTEM "file:///etc/passwd">]>\n<x>&y;</x>\n'),
}

JSONS: dict[str, HostileFile] = {
    "cut-off-lines": text_file("a.jsonl", f"{PAIR}\n{PAIR[:-9]}"),
    "lines-that-are-no-objects": text_file("a.jsonl", f'{PAIR}\n[]\n1\n"x"\nnull\ntrue\n'),
    "lines-that-are-nothing": text_file("a.jsonl", "{\n}\n[\n]\nx\n\n"),
    "two-objects-on-a-line": text_file("a.jsonl", f"{PAIR}{PAIR}\n{PAIR}\n"),
    "commas-between-lines": text_file("a.jsonl", f"{PAIR},\n{PAIR},\n"),
    "comments-and-single-quotes": text_file("a.jsonl", "// x\n{'a': 1}\n{a: 1}\n"),
    "a-list-named-jsonl": text_file("a.jsonl", f"[{PAIR}, {PAIR}]"),
    "a-list-cut-off": text_file("a.json", f"[{PAIR}, {PAIR[:-4]}", "no readable JSON"),
    "a-list-of-everything": text_file("a.json", f'[{PAIR}, 1, "x", null, [], [[]], {{}}]'),
    "a-number": text_file("a.json", "1"),
    "a-text": text_file("a.json", '"text"'),
    "nan-and-infinity": text_file("a.jsonl", '{"comment": NaN, "rating": Infinity}\n{"comment": "a", "x": -Infinity}'),
    "large-numbers": text_file("a.jsonl", '{"comment": "a", "rating": 1e400, "id": 9223372036854775808}'),
    "a-number-of-10k-digits": text_file("a.jsonl", f'{{"comment": "a", "id": {"9" * 10_000}}}\n{PAIR}'),
    "same-key-twice": text_file("a.jsonl", '{"comment": "a", "comment": "b", "co\\u006dment": "c"}'),
    "same-key-when-cleaned": text_file("a.jsonl", '{"comment": "a", "comment\\u0000": "b", " comment ": "c"}'),
    "empty-keys": text_file("a.jsonl", '{"": "a", " ": "b", "\\u0000": "c"}'),
    "half-a-pair-in-key-and-value": text_file("a.jsonl", '{"\\ud800": 1, "comment": "\\ud800 lone \\udc00"}'),
    "nul-in-a-value": text_file("a.jsonl", '{"comment": "a\\u0000b", "rating": "\\u0000"}'),
    "a-prototype": text_file("a.jsonl", '{"__proto__": {"a": 1}, "constructor": "x", "comment": "a"}'),
    "deep-list": HostileFile("a.json", lambda: b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
    "deep-list-unclosed": HostileFile("a.json", lambda: b"[" * 100_000, "nested too deeply"),
    "deep-object": HostileFile("a.json", lambda: b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "deep-line": HostileFile("a.jsonl", lambda: b'{"a": ' + b"[" * 99_999 + b"]" * 99_999 + b"}\n" + PAIR.encode()),
    "rather-deep-cell": text_file("a.jsonl", '{"comment": "a", "x": ' + "[" * 500 + "]" * 500 + "}"),
    "a-conversation-in-a-list": text_file("a.jsonl", '{"prompt": [[{"role": "user"}]], "chosen": [1], "rejected": {}}'),
    "a-conversation-of-strangers": text_file(
        "a.jsonl", json.dumps({"chosen": [{"role": "root", "content": {"a": 1}}], "rejected": [{"role": None}]})
    ),
    "a-line-with-10k-fields": text_file("a.jsonl", json.dumps({f"k{n}": n for n in range(10_000)} | {"comment": "a"})),
    "every-line-another-field": text_file("a.jsonl", "\n".join(f'{{"k{n}": "a b c d"}}' for n in range(2_000))),
    "a-list-of-300k-numbers": HostileFile("a.json", lambda: b"[" + b"1," * 300_000 + b"1]", MANY),
    "a-million-lines": HostileFile("a.jsonl", lambda: b"{}\n" * 1_000_000, MANY),
    "one-line-of-5-megabytes": HostileFile("a.jsonl", lambda: b'{"comment": "' + b"x" * 5_000_000 + b'"}'),
}  # fmt: skip

TEXT_FILES: dict[str, HostileFile] = NOTHING | ENCODINGS | TABLES | JSONS
