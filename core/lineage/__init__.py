"""Where a row came from and what came of it: the product's spine, as one query in either direction.

back(session, Kind.ADAPTER, adapter_id).of(Kind.FEEDBACK)      what people said that it learned from
forward(session, Kind.FEEDBACK, feedback_id).of(Kind.ADAPTER)  the adapters a piece of feedback taught
fixed(session, run_id)                                         the complaints a run fixed, and those it broke
taught_by(session, adapter_id)                                 whose labels taught it
"""

from core.lineage.effects import Change, ChangedPair, Effect, Tally, fixed, tally
from core.lineage.links import Kind
from core.lineage.teaching import Teaching, taught_by
from core.lineage.walk import LISTED, Direction, Found, Lineage, back, forward

__all__ = [
    "LISTED",
    "Change",
    "ChangedPair",
    "Direction",
    "Effect",
    "Found",
    "Kind",
    "Lineage",
    "Tally",
    "Teaching",
    "back",
    "fixed",
    "forward",
    "tally",
    "taught_by",
]
