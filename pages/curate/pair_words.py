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


def badge(status: PairStatus) -> str:
    words, icon, colour = STATUS[status]
    return f":{colour}-badge[:material/{icon}: {words}]"
