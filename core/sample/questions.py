"""What people ask the support agent: fifty wordings in ten topics, each a prompt group of the sample workspace."""

from __future__ import annotations

from typing import NamedTuple


class Wording(NamedTuple):
    """A prompt template, and the places of the bodies that answer it; without brief ones it is answered fully."""

    template: str
    full: str
    brief: str


# topic → {group: wording}
QUESTIONS: dict[str, dict[str, Wording]] = {
    "device offline": {
        "offline-grey": Wording(
            "{asset} at {site} has been grey in Field devices {since}. The gateway "
            "lights look fine. How do I get it back?",
            full="02",
            brief="0",
        ),
        "offline-switch": Wording(
            "Hello, we lost {asset} after the network people changed a switch at {site}. It says no contact.",
            full="1",
            brief="1",
        ),
        "offline-restarted": Wording(
            "No contact with {asset} {since}. I restarted the panel twice, nothing. What else can I try?",
            full="01",
            brief="01",
        ),
        "offline-night-team": Wording(
            "The night team reports that {asset} dropped off the plant view at {site} and never came back online.",
            full="02",
            brief="0",
        ),
        "offline-but-running": Wording(
            "Why is {asset} shown as offline when I am standing next to it and it is running?",
            full="01",
            brief="01",
        ),
    },
    "wrong reading": {
        "reading-same-value": Wording(
            "The supply temperature on {asset} has read exactly the same value {since}. That cannot be right.",
            full="1",
            brief="1",
        ),
        "reading-thermometer": Wording(
            "{asset} shows a return temperature of 94 degrees at {site}. My hand "
            "thermometer says something else entirely.",
            full="02",
            brief="0",
        ),
        "reading-frozen": Wording(
            "Are the readings of {asset} frozen? The value moves on the panel but not on my screen.",
            full="1",
            brief="1",
        ),
        "reading-jumps": Wording(
            "The pressure on {asset} jumps between zero and full scale every few "
            "seconds {since}. Is it the sensor or the software?",
            full="1",
            brief="1",
        ),
        "reading-factor": Wording(
            "Our engineer says the flow value for {asset} at {site} is off by a factor "
            "of ten. Where is the scaling set?",
            full="02",
            brief="0",
        ),
    },
    "schedule": {
        "schedule-night": Wording(
            "{asset} keeps running at night although the timetable for {site} ends at seven.",
            full="02",
            brief="0",
        ),
        "schedule-holiday": Wording(
            "Nobody was in at {site} on the bank holiday, but {asset} started at six as "
            "usual. Where do I enter holidays?",
            full="0",
            brief="0",
        ),
        "schedule-clocks": Wording(
            "The clocks changed and {asset} starts an hour early {since}.",
            full="1",
            brief="1",
        ),
        "schedule-weekend": Wording(
            "I moved the weekend start of {asset} to nine and it still comes on at six. "
            "Do I have to publish something?",
            full="0",
            brief="01",
        ),
        "schedule-cold-tenants": Wording(
            "{asset} did not start this morning and the tenants at {site} are cold. The timetable looks right to me.",
            full="2",
            brief="0",
        ),
    },
    "alarm": {
        "alarm-forty": Wording(
            "I get the same high limit alarm for {asset} forty times a night. Please help me make it stop.",
            full="0",
            brief="0",
        ),
        "alarm-will-not-clear": Wording(
            "An alarm for {asset} at {site} will not clear, but the fault has been repaired {since}.",
            full="1",
            brief="",
        ),
        "alarm-on-call": Wording(
            "Whose phone does the alarm of {asset} ring? The person on call has heard nothing {since}.",
            full="2",
            brief="1",
        ),
        "alarm-flood": Wording(
            "{asset} flooded the alarm desk at {site} and we missed a real leak. How can we group them?",
            full="0",
            brief="0",
        ),
        "alarm-silence": Wording(
            "How do I silence the filter alarm on {asset} until the parts arrive next week?",
            full="2",
            brief="0",
        ),
    },
    "trend": {
        "trend-hole": Wording(
            "There is a hole in the trend of {asset} between two and five every night {since}.",
            full="0",
            brief="0",
        ),
        "trend-history": Wording(
            "My chart for {asset} at {site} starts only last week. Where is the history from before?",
            full="2",
            brief="0",
        ),
        "trend-one-minute": Wording(
            "I need a one minute trend of {asset} but the chart gives me averages of fifteen.",
            full="1",
            brief="1",
        ),
        "trend-shifted": Wording(
            "When I compare {asset} with the outside temperature the two lines are shifted by an hour.",
            full="1",
            brief="1",
        ),
        "trend-no-line": Wording(
            "The comparison chart at {site} has no line for {asset} {since}, although the point is logged.",
            full="2",
            brief="1",
        ),
    },
    "energy report": {
        "report-without": Wording(
            "The energy report for {site} came without {asset} this month.",
            full="0",
            brief="1",
        ),
        "report-twice": Wording(
            "Our monthly total for {asset} is twice what the utility bill says. Which one should I believe?",
            full="1",
            brief="0",
        ),
        "report-mail": Wording(
            "Nobody at {site} got the Monday energy mail. It should list {asset} first.",
            full="2",
            brief="1",
        ),
        "report-finance": Wording(
            "The finance team asks why the cost of {asset} changed in a report that was already closed.",
            full="1",
            brief="0",
        ),
        "report-tenants": Wording(
            "Can the ledger split the energy of {asset} between two tenants at {site}?",
            full="2",
            brief="1",
        ),
    },
    "manual override": {
        "override-back": Wording(
            "I set {asset} to 19 degrees and ten minutes later it is back at 22.",
            full="2",
            brief="1",
        ),
        "override-who": Wording(
            "Somebody left a manual value on {asset} {since} and I cannot see who it was.",
            full="1",
            brief="0",
        ),
        "override-padlock": Wording(
            "The setpoint of {asset} at {site} is locked with a small padlock. I need to change it today.",
            full="2",
            brief="1",
        ),
        "override-how-long": Wording(
            "How long does a manual value on {asset} hold before the program takes over again?",
            full="2",
            brief="1",
        ),
        "override-hand-symbol": Wording(
            "We released {asset} at {site} to automatic but the hand symbol stays {since}.",
            full="01",
            brief="0",
        ),
    },
    "access": {
        "access-colleague": Wording(
            "My new colleague can log in but does not see {asset} at {site}.",
            full="0",
            brief="0",
        ),
        "access-contractor": Wording(
            "A contractor needs to see {asset} for two weeks and nothing else. What is the right way?",
            full="1",
            brief="1",
        ),
        "access-look-only": Wording(
            "I used to be able to change {asset}, but {since} I can only look.",
            full="0",
            brief="0",
        ),
        "access-auditors": Wording(
            "Who at {site} has the right to change {asset}? The auditors want a list.",
            full="2",
            brief="",
        ),
        "access-tablet": Wording(
            "It says permission denied when I open {asset} on the tablet. On the desktop all is well.",
            full="0",
            brief="0",
        ),
    },
    "commissioning": {
        "adding-prepare": Wording(
            "We are installing {asset} at {site} next week. What do I have to prepare in Hallward?",
            full="0",
            brief="0",
        ),
        "adding-replaced": Wording(
            "{asset} was replaced by a newer model {since}. Can it keep its old history?",
            full="0",
            brief="1",
        ),
        "adding-units": Wording(
            "I imported the point list of {asset} and half of the points have no unit.",
            full="0",
            brief="0",
        ),
        "adding-discovery": Wording(
            "Discovery at {site} finds every controller except {asset}.",
            full="1",
            brief="",
        ),
        "adding-scrapped": Wording(
            "We scrapped {asset} last month but it still counts in the licence for {site}.",
            full="2",
            brief="",
        ),
    },
    "export": {
        "export-year": Wording(
            "I need a year of data for {asset} as a spreadsheet before Friday.",
            full="0",
            brief="0",
        ),
        "export-nightly": Wording(
            "The nightly export of {asset} at {site} has been empty {since}.",
            full="1",
            brief="",
        ),
        "export-zone": Wording(
            "The spreadsheet shows the times of {asset} in the wrong zone after an export.",
            full="0",
            brief="",
        ),
        "export-database": Wording(
            "Can our own database read the values of {asset} at {site} without anybody at a keyboard?",
            full="2",
            brief="1",
        ),
        "export-rows": Wording(
            "The download for {asset} stops at fifty thousand rows. We need all of them.",
            full="0",
            brief="0",
        ),
    },
}
