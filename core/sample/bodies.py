"""The middle sentences of the support agent's answers: the steps that help, and what is said in their place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bodies:
    """What one side says about one topic, in a full answer and in a brief one."""

    full: tuple[str, ...]
    brief: tuple[str, ...]


STEPS: dict[str, Bodies] = {
    "device offline": Bodies(
        (
            "Open Field devices, select the gateway, press Relink and wait until the status turns green.",
            "In Field devices compare the network address with the label on the panel, correct it and press Relink.",
            "Restart the gateway from Field devices, then run Discovery once so that the controller reports again.",
        ),
        (
            "Open Field devices, select {asset} and press Relink; wait for the green status.",
            "Correct the network address of {asset} in Field devices and run Discovery once.",
        ),
    ),
    "wrong reading": Bodies(
        (
            "Open the point, compare raw and scaled value under Signal, and correct the range to match the sensor.",
            "Under Signal press Test input; if the raw value stays still, a sensor wire is loose at the panel.",
            "In the point view switch on Raw, watch it for one minute and set the scaling from the data sheet.",
        ),
        (
            "Open Signal on {asset}, compare raw value and data sheet and correct the range.",
            "Press Test input on {asset}; a raw value that never moves means a loose wire.",
        ),
    ),
    "schedule": Bodies(
        (
            "Open Schedules, check the exceptions for that day, correct the times and press Publish to send them.",
            "In Schedules compare site time with controller time, press Sync clock and then Publish the week.",
            "Look for a holiday or an optimum start entry in Schedules, switch it off and press Publish again.",
        ),
        (
            "Open Schedules, choose {asset}, correct the exception for that day and press Publish.",
            "Press Sync clock on {asset}, then Publish; unpublished changes never leave your screen.",
        ),
    ),
    "alarm": Bodies(
        (
            "Open the Alarm desk, raise the delay to five minutes and group repeats so one event sends one message.",
            "In the Alarm desk check the reset limit and press Recheck, which clears what has been repaired.",
            "Under Routing choose who is on call, send a test message and shelve the alarm until the parts arrive.",
        ),
        (
            "Shelve the alarm of {asset} in the Alarm desk and group its repeats.",
            "Open Routing for {asset}, set the person on call and send a test message.",
        ),
    ),
    "trend": Bodies(
        (
            "Open the point in Trends and press Backfill; the gateway then sends the values it kept for ten days.",
            "Under Logging set the interval to one minute and the time zone to the site, then reload the chart.",
            "In Trends add the point again from the archive list, because a renamed point keeps its older history.",
        ),
        (
            "Press Backfill on {asset} in Trends; the gateway keeps the last ten days of values.",
            "Open Logging for {asset}, set the interval and time zone and reload the chart.",
        ),
    ),
    "energy report": Bodies(
        (
            "Open the Energy ledger, reopen the month, add the missing meter to the report and press Recalculate.",
            "In the Energy ledger compare the meter factor with the utility bill, correct it and press Recalculate.",
            "Check the reader list and the tenant shares under Reports, save them and press Send again.",
        ),
        (
            "Open the Energy ledger, check the meter factor of {asset} and press Recalculate.",
            "Add {asset} to the report under Reports, save the shares and press Send again.",
        ),
    ),
    "manual override": Bodies(
        (
            "Open the point, look at the priority list, release the manual entry and press Return to program.",
            "The priority list shows who set the value and until when; clear that line and save the point.",
            "Ask a site manager to unlock the point, then set a hold time so that the program leaves it alone.",
        ),
        (
            "Open the priority list of {asset}, release it and press Return to program.",
            "Set a hold time on {asset}, or the program takes over after ten minutes.",
        ),
    ),
    "access": Bodies(
        (
            "Open Access, choose the role, add the site and the equipment, and ask the person to sign in again.",
            "Under Access create a guest role with an end date, limit it to one system and send the invitation.",
            "In Access press Who can do this; the list names every person with the role and the date.",
        ),
        (
            "Open Access, give the role rights to {asset} and ask the person to sign in again.",
            "Create a guest role for {asset} under Access and send the invitation today.",
        ),
    ),
    "commissioning": Bodies(
        (
            "Open Commissioning, choose Add or Replace, pick the controller type and import its point list with units.",
            "In Commissioning run Discovery with the new address range, accept the controller and map its points.",
            "Use Retire in Commissioning; the history stays, and the licence is freed by the next morning.",
        ),
        (
            "Open Commissioning, add {asset} from the list and import its points with units.",
            "Use Replace on {asset} in Commissioning; the history stays and the points are mapped.",
        ),
    ),
    "export": Bodies(
        (
            "Open Exports, choose the points and dates, set the zone to local time and pick Split by month.",
            "In Exports open the nightly task, read the last error, renew the folder password and press Run now.",
            "Create a read key under Connections, and your database can fetch the values every fifteen minutes.",
        ),
        (
            "Open Exports, choose {asset} and pick Split by month; each file stays under the limit.",
            "Create a read key for {asset} under Connections and let your database fetch the values.",
        ),
    ),
}
# polite, but about another area or about nothing; some serve two topics, so that both sides are equally hard to learn
POLITE = {
    "theme": "To change the colours of the plant view, open Profile and choose another theme for your screens.",
    "invoices": "Invoices and licences are managed under Account, where you can download them at any time.",
    "units": "Units can be switched between metric and imperial under Profile, and many people like both.",
    "weather": "The weather tile on the start page shows the next five days; it can be moved or hidden.",
    "hours": "Our own office hours are on the contact page, together with the public holidays we observe.",
    "sounds": "The sound of a message can be changed under Profile; there are eight tones to choose from.",
    "webinars": "Webinars about safety are announced on the start page, and all of them are free for customers.",
    "printing": "Charts can be printed from the menu of the browser; the landscape format gives the best result.",
    "privacy": "Our privacy page explains in detail how carefully we look after all the data you give us.",
    "brochure": "Our yearly brochure has figures from other customers, and the sales team will be glad to send a copy.",
    "logos": "Logos for the cover page are uploaded under Branding, in two sizes and two colours.",
    "shortcuts": "Keyboard shortcuts are listed in the help menu, and the letter K opens that list from every page.",
    "passwords": "Passwords should be long and hard to guess, and it is wise to change them now and then.",
    "video": "The welcome video for new colleagues can be watched in three languages, with or without sound.",
    "training": "Training days take place in spring and autumn, and lunch is included in the price of the ticket.",
    "specialists": "Our specialists work hard on this area, and a future version may bring some improvement.",
    "planning": "Every building is different, and success depends on good planning and on the people involved.",
    "field": "This is a wide field, and the result will always depend on a number of different circumstances.",
    "seriously": "We take such matters very seriously, and we keep improving things for every one of our customers.",
    "easier": "We thank you for your understanding, and we share the view that this could be made easier.",
}
CURT = {
    "network": "Nothing is wrong with {asset} on our side, so look at your own network instead.",
    "installer": "Ask the people who installed {asset} for you; we only make the software.",
    "sends": "We only show what {asset} sends, and what it sends is not our problem.",
    "sensor": "Buy a better sensor for {asset} if you do not like the value you see there.",
    "business": "The timetable of {asset} is your business; set it right and it works right.",
    "told": "It does what it is told to do, and somebody told {asset} to do just that.",
    "faults": "Too many alarms from {asset} just means too many faults, so go and repair them first.",
    "rings": "It rings because somebody set {asset} to ring, and that was certainly not us.",
    "chart": "Use another chart for {asset} if this one is not to your liking at the moment.",
    "total": "The total of {asset} is what it is; perhaps it is your bill that is wrong.",
    "by-hand": "Add up {asset} by hand if you do not happen to trust our report.",
    "alone": "Leave the value of {asset} alone from now on and it will stay where it is.",
    "rights": "There are no rights to {asset} for you, and usually there is a reason for it.",
    "administrator": "Ask your own administrator about {asset}; this is not what support does.",
    "type": "Type the points of {asset} in by hand; that should only take a day or two.",
    "limit": "The limit on {asset} is there for a good reason, so simply take fewer rows.",
    "copy": "Copy the values of {asset} from the screen by hand, as most other people do.",
}
_INSTEAD = {
    "device offline": ("theme invoices specialists", "network installer"),
    "wrong reading": ("units weather field", "sends sensor"),
    "schedule": ("weather hours planning", "business told"),
    "alarm": ("sounds webinars seriously", "faults rings"),
    "trend": ("printing theme specialists", "chart sends"),
    "energy report": ("brochure logos field", "total by-hand"),
    "manual override": ("shortcuts webinars easier", "alone told"),
    "access": ("passwords privacy seriously", "rights administrator"),
    "commissioning": ("training video planning", "type installer"),
    "export": ("logos privacy easier", "limit copy"),
}
INSTEAD: dict[str, Bodies] = {
    topic: Bodies(tuple(POLITE[name] for name in polite.split()), tuple(CURT[name] for name in curt.split()))
    for topic, (polite, curt) in _INSTEAD.items()
}
