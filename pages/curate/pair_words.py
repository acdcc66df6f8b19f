"""Statuses, origins and sides of pairs in words, icons and colours: chosen is teal, rejected is rose, everywhere."""

from __future__ import annotations

from core.tables import LabelChoice, PairOrigin, PairStatus
from pages.shared.charts import COLOURS

STATUS: dict[PairStatus, tuple[str, str, str]] = {
    PairStatus.ACCEPTED: ("Accepted", "check", "green"),
    PairStatus.NEEDS_LABEL: ("Needs a label", "pending", "orange"),
    PairStatus.NO_PREFERENCE: ("No preference", "balance", "gray"),
    PairStatus.EXCLUDED: ("Excluded", "block", "red"),
}
ORIGIN: dict[PairOrigin, str] = {
    PairOrigin.RATING: "Ratings",
    PairOrigin.CORRECTION: "Corrections",
    PairOrigin.REGENERATION: "Regenerations",
    PairOrigin.IMPORT: "Imports",
    PairOrigin.UNRATED: "Unrated answers",
}
LABEL: dict[LabelChoice, str] = {
    LabelChoice.A: "preferred answer A",
    LabelChoice.B: "preferred answer B",
    LabelChoice.TIE: "saw a tie",
    LabelChoice.BOTH_BAD: "found both bad",
    LabelChoice.SKIP: "skipped it",
}
CHOSEN = f':color[**:material/check_circle: Chosen**]{{foreground="{COLOURS["chosen"]}"}}'
REJECTED = f':color[**:material/cancel: Rejected**]{{foreground="{COLOURS["rejected"]}"}}'


def beginning(text: str, *, limit: int = 200) -> str:
    """A text that a list may have cut after ``limit`` characters: then it ends with its last whole word and " …"."""
    if len(text) < limit:
        return text
    words = text[:limit].rsplit(None, 1)
    whole = words[0] if len(words) == 2 and len(words[0]) > limit // 2 else text[:limit]
    return f"{whole} …"


def badge(status: PairStatus) -> str:
    words, icon, colour = STATUS[status]
    return f":{colour}-badge[:material/{icon}: {words}]"
