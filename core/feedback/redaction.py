"""Personal data out of foreign text: e-mail addresses, telephone numbers and card numbers.

Text comes in, the same text goes out with ``[email]``, ``[phone]`` or ``[card]`` in place of each, and how many there
were. Names and postal addresses are not looked for. Telephone numbers are known in international form, and in the
national forms of ``PHONE_REGIONS``; ten digits behind a word such as "order" stay what they are.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any, NamedTuple

PHONE_REGIONS = ("US", "GB", "AU", "NZ", "IN", "DE", "FR", "BR")

# Seven digits, each near the next: fewer are neither a telephone nor a card number. Most texts have none, and for
# them (and without an @) nothing below is even loaded.
_DIGITS = re.compile(r"\d(?:\W{0,4}\d){6}")
# A telephone number without a word like "call" before it begins with + or 0, or has ten digits.
_PHONE_SHAPE = re.compile(r"(?:\+|(?<!\d)0)(?:\W{0,4}\d){6}|\d(?:\W{0,4}\d){9}")
_LOCAL, _DOMAIN = 128, 255  # of an e-mail address; the pattern's time grows with the square of what it is given

# What looks like a telephone number to the library and is none. Each is hidden from it behind letters.
_NO_PHONE = re.compile(
    r"""(?<![\d.+(])(?:
        (?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|(?![.\d]))){4}(?![\d.]\d)         # 192.168.1.100
      | (?:19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])(?:[T ]\d\d?:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?!\d)
      | (?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\2(?:19|20)\d\d(?![-/.]?\d)
      | \d+\.\d+\.\d+\.\d+[-.\w]*[a-z][-.\w]*                                               # 1.2.3.4567-beta
      | 0\.\d+                                                                              # 0.12345678
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_GLUE = r"(?:[\W_]|no|number|num|nr|id|code|is|was|the|me|us|my|our|at|on|to|back|please){0,12}"
_ORDER = re.compile(
    r"\b(?:order|invoice|ticket|ref|reference|case|commit|build|version|id|sku|serial|isbn|tracking|parcel|transaction"
    r"|hash|issue|bug|error|code|timestamp|epoch|row|line|page|product|item|customer|account)s?" + _GLUE + "$",
    re.IGNORECASE,
)
_CALL_WORD = re.compile(
    r"(?:\b|_)(?:tele)?(?:phone|tel|mobile|cell|call|ring|text|sms|whatsapp|fax|contact|dial)s?(?![a-z])", re.IGNORECASE
)
_CALL = re.compile(_CALL_WORD.pattern + _GLUE + "$", re.IGNORECASE)
# The middle of an address, a file name, a version or a fraction: "image-2021-08-18-09-57-44", "3.4.0-20220407".
_GLUED = re.compile(r"[^\W_][-_./$]$")
_LARGEST_INT = "2147483647"  # written in every second log, and a valid number in New Jersey


@dataclass(frozen=True)
class Redacted:
    """The text without personal data, and the count of what was taken out: email, phone, card."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Find:
    start: int
    end: int
    kind: str


def redact(text: str, *, label: str = "") -> Redacted:
    """``text`` with every e-mail address, telephone number and card number replaced by its kind.

    ``label`` is what stands before the text where it was written, such as the name of a field: it helps to tell a
    telephone number from an order number. Redacting twice changes nothing more. No name is looked up, nothing fetched.
    """
    counts: dict[str, int] = {}
    # What stood beside a replaced number can itself become readable as one. Every round takes digits or an @ away,
    # so the rounds end.
    while finds := _finds(text, label):
        for find in finds:
            counts[find.kind] = counts.get(find.kind, 0) + 1
        text = _replaced(text, finds)
    return Redacted(text, counts)


def _finds(text: str, label: str) -> list[_Find]:
    """Finds that do not overlap, from left to right; of two that overlap the longer one stays."""
    found = list(_emails(text)) if "@" in text else []
    if _DIGITS.search(text):
        found += [*_cards(text), *_phones(text, label)]
    kept: list[_Find] = []
    for find in sorted(found, key=lambda find: (find.start - find.end, find.start, find.kind)):
        if all(find.end <= other.start or find.start >= other.end for other in kept):
            kept.append(find)
    return sorted(kept, key=lambda find: find.start)


def _replaced(text: str, finds: list[_Find]) -> str:
    parts, position = [], 0
    for find in finds:
        parts += [text[position : find.start], f"[{find.kind}]"]
        position = find.end
    return "".join([*parts, text[position:]])


def _emails(text: str) -> Iterator[_Find]:
    recogniser = _recognisers().email
    for at in re.finditer("@", text):
        left = re.search(r"[^\s@]*$", text[max(0, at.start() - _LOCAL) : at.start()])
        right = re.match(r"[^\s@]*", text[at.end() : at.end() + _DOMAIN])
        if left and right and left[0] and right[0]:
            start = at.start() - len(left[0])
            for result in recogniser.analyze(text[start : at.end() + len(right[0])], ["EMAIL_ADDRESS"]):
                yield _Find(start + result.start, start + result.end, "email")


def _cards(text: str) -> Iterator[_Find]:
    for result in _recognisers().card.analyze(text, ["CREDIT_CARD"]):
        fraction = re.search(r"\d\.$", text[max(0, result.start - 2) : result.start])
        if text[result.start] in "3456" and not fraction:
            yield _Find(result.start, result.end, "card")


def _phones(text: str, label: str) -> Iterator[_Find]:
    text = _NO_PHONE.sub(lambda match: "x" * len(match[0]), text)
    called = _CALL_WORD.search(f"{label} {text}")
    if not _DIGITS.search(text) or not (called or _PHONE_SHAPE.search(text)):
        return
    everywhere, possible = _recognisers().phone, _recognisers().possible_phone
    for recogniser in (everywhere, possible) if called or "+" in text else (everywhere,):
        for result in recogniser.analyze(text, ["PHONE_NUMBER"]):
            number, before = text[result.start : result.end], _before(text, result.start, label)
            if _is_phone(number, before, valid=recogniser is everywhere):
                yield _Find(result.start, result.end, "phone")


def _before(text: str, start: int, label: str) -> str:
    """The words that stand before a number, as far as they can say what it is."""
    return f"{label} {text[max(0, start - 40) : start]}".replace("[phone]", "")


def _is_phone(number: str, before: str, *, valid: bool) -> bool:
    """Whether what the library calls a valid, or only a possible, number is meant as a telephone number."""
    if sum(character.isdigit() for character in number) < 7:
        return False
    if number.startswith("+") or _CALL.search(before):
        return True
    if not valid or _GLUED.search(before) or _is_something_else(number):
        return False
    number = number.strip("([")
    if number.startswith("0"):
        return True
    if sum(character.isdigit() for character in number) < 10:
        return False
    # Digits alone, without a word that says what they are.
    return not number.isdigit() or not (number[0] == "1" or number == _LARGEST_INT or _ORDER.search(before))


def _is_something_else(number: str) -> bool:
    unbalanced = number.count(")") > number.count("(") or number.count("]") > number.count("[")
    path = "/" in number and number[0] != "0"
    return unbalanced or path or bool(re.match(r"0\s|\d\.\d", number))


# -- the library ------------------------------------------------------------------------------------------------

_PACKAGE = "presidio_analyzer"
_lock = Lock()


class _Recognisers(NamedTuple):
    email: Any
    phone: Any  # a valid number, international or of PHONE_REGIONS
    possible_phone: Any  # a number of the right length: believed only after a + or a word like "call"
    card: Any


@lru_cache(maxsize=1)
def _recognisers() -> _Recognisers:
    """presidio's recognisers for e-mail, telephone and card, made once and only when a text needs them."""
    with _lock:
        email, phone, card = _classes()
    valid, possible = 1, 0  # leniency as phonenumbers counts it
    return _Recognisers(
        _any_domain(email),
        phone(supported_regions=PHONE_REGIONS, leniency=valid),
        phone(supported_regions=PHONE_REGIONS[:1], leniency=possible),
        card(),
    )


def _any_domain(email: Any) -> Any:
    """The e-mail recogniser without its list of public suffixes, which would be fetched from the network.

    It would also let addresses of a company's own network (``.local``, ``.internal``) through. A last label of letters
    is asked for, so that map positions and versions (``@40.71``) are no addresses.
    """

    class AnyDomainEmail(email):  # type: ignore[misc]
        def validate_result(self, pattern_text: str) -> bool:
            last = pattern_text.rpartition(".")[2]
            return len(last) > 1 and (last.isalpha() or last.startswith("xn--"))

    return AnyDomainEmail()


def _classes() -> tuple[Any, Any, Any]:
    """The three classes, without the language models around them.

    ``import presidio_analyzer`` loads spaCy, transformers and torch: 6 to 12 s and 400 MB for three recognisers that
    use none of them. So their own modules are loaded under empty packages, which takes 0.2 s, and the names are given
    back afterwards: whoever imports the package later gets all of it. A release laid out differently is imported whole.
    """
    if _PACKAGE not in sys.modules:
        try:
            return _from(_PACKAGE, light=True)
        except (ImportError, AttributeError):  # another layout
            pass
        finally:
            for name in [name for name in sys.modules if name.split(".")[0] == _PACKAGE]:
                del sys.modules[name]
    return _from(_PACKAGE, light=False)


def _from(package: str, *, light: bool) -> tuple[Any, Any, Any]:
    generic = f"{package}.predefined_recognizers.generic"
    if light:
        for name in (package, f"{package}.nlp_engine", f"{package}.predefined_recognizers", generic):
            sys.modules[name] = _empty_package(name)
        vars(sys.modules[f"{package}.nlp_engine"])["NlpArtifacts"] = object  # named in annotations only
        for module, name in _BASES:
            vars(sys.modules[package])[name] = getattr(importlib.import_module(f"{package}.{module}"), name)
    email, phone, card = (
        getattr(importlib.import_module(f"{generic}.{module}"), name) for module, name in _RECOGNISERS
    )
    return email, phone, card


def _empty_package(name: str) -> ModuleType:
    """A package that finds its modules in the installed folder, but runs no ``__init__``."""
    package, *inner = name.split(".")
    spec = importlib.util.find_spec(package) if not inner else None
    folder = Path(str(spec.origin)).parent if spec else Path(sys.modules[package].__path__[0], *inner)
    module = ModuleType(name)
    module.__path__ = [str(folder)]
    return module


_BASES = (
    ("analysis_explanation", "AnalysisExplanation"),
    ("recognizer_result", "RecognizerResult"),
    ("entity_recognizer", "EntityRecognizer"),
    ("local_recognizer", "LocalRecognizer"),
    ("pattern", "Pattern"),
    ("pattern_recognizer", "PatternRecognizer"),
)
_RECOGNISERS = (
    ("email_recognizer", "EmailRecognizer"),
    ("phone_recognizer", "PhoneRecognizer"),
    ("credit_card_recognizer", "CreditCardRecognizer"),
)
