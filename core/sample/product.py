"""The fictitious product all sample texts speak of: Hallward, software for the plant rooms of commercial buildings.

Names of equipment, buildings and people, and the one function that puts them into a template. Prompts and answers
draw from the same lists, so an answer can name what its prompt named.
"""

from __future__ import annotations

import re

PRODUCT = "Hallward"
SUPPORT_AGENT = "hallward-support"
PLANNER_AGENT = "hallward-planner"

KINDS = ("chiller", "boiler", "pump", "air handler", "cooling tower", "heat pump", "fan coil", "exhaust fan")
ASSETS = tuple(f"{kind} {number}" for kind in KINDS for number in range(1, 7))
SITES = (
    "Harbour House",
    "Mill Court",
    "Station Yard",
    "Elm Gate",
    "North Quay",
    "Priory Square",
    "Foundry Lane",
    "Bridge Wharf",
)
SINCES = (
    "since Monday",
    "since this morning",
    "since the storm",
    "since last night",
    "since the update",
    "since Friday",
    "for three days",
)
# where in the product each topic is at home
MODULES = {
    "device offline": "Field devices",
    "wrong reading": "Signal",
    "schedule": "Schedules",
    "alarm": "Alarm desk",
    "trend": "Trends",
    "energy report": "Energy ledger",
    "manual override": "Priority list",
    "access": "Access",
    "commissioning": "Commissioning",
    "export": "Exports",
}
PEOPLE = (
    "m.okafor",
    "s.lindqvist",
    "j.brandt",
    "a.petrescu",
    "t.nakagawa",
    "l.fernandes",
    "r.whitlock",
    "d.kowalska",
    "h.osei",
    "c.marchetti",
    "p.dubois",
    "n.haddad",
    "k.virtanen",
    "e.campbell",
    "b.yilmaz",
    "o.svensson",
)

_SENTENCE_START = re.compile(r"(^|[.?!] )([a-z])")


def fill(template: str, *, asset: str, site: str, since: str = "") -> str:
    """The template with its slots filled; a sentence that begins with a slot begins with a capital."""
    text = template.replace("{asset}", asset).replace("{site}", site).replace("{since}", since)
    return _SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)
