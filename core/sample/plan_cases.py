"""Questions to the dashboard planner with a good and a poor plan for each, in words.

A widget is (scenario, size, why, remark): the remark is what a careful reader says of it, a strength in a good plan
and a fault in a poor one. Scenarios and sizes are those of the widget catalogue.
"""

from __future__ import annotations

from typing import NamedTuple

Widget = tuple[str, str, str, str]


class PlanCase(NamedTuple):
    """``{asset}`` and ``{site}`` are filled in; ``unfit_sizes`` are widgets of the poor plan that are sized wrongly."""

    name: str
    query: str
    domains: tuple[str, ...]
    primary: str
    secondary: tuple[str, ...]
    understanding: str
    good_heading: str
    good: tuple[Widget, ...]
    poor_heading: str
    poor: tuple[Widget, ...]
    missing: tuple[str, ...]
    improvement: str
    unfit_sizes: tuple[str, ...] = ()
    urgency: str = "normal"


CASES: tuple[PlanCase, ...] = (
    PlanCase(
        "health",
        "How is {asset} at {site} doing today?",
        ("equipment",),
        "health",
        ("trend",),
        "The person wants the present state of one machine and whether it differs from an ordinary day.",
        "{asset} at {site}, today",
        (
            ("alerts", "normal", "Open alarms of {asset} come first.", "Says at once whether anything is wrong."),
            ("kpi", "compact", "Running hours, load and efficiency of {asset} now.", "Three figures, no more."),
            (
                "trend",
                "expanded",
                "Load of {asset} today against usual.",
                "Today against usual is the question.",
            ),
        ),
        "Overview of {site}",
        (
            ("peopleview", "expanded", "People on shift at {site}.", "Nobody asked about people."),
            ("category-bar", "hero", "Energy by building.", "Compares buildings where one machine was asked for."),
        ),
        ("alerts", "trend"),
        "Begin with the alarms of {asset} and show its own load, not the building's.",
        ("category-bar",),
    ),
    PlanCase(
        "energy-compare",
        "Compare the energy use of {site} this month with last month.",
        ("energy",),
        "comparison",
        ("cost",),
        "A comparison of two periods for one building, with the difference made visible.",
        "{site}: energy this month and last",
        (
            (
                "comparison",
                "hero",
                "This month and last month of {site} side by side.",
                "It fills the screen.",
            ),
            ("kpi", "normal", "Difference in percent and in cost.", "Gives the difference as one figure."),
            ("category-bar", "expanded", "Which systems of {site} changed most.", "Leads on to the cause."),
        ),
        "Energy",
        (
            ("trend", "hero", "Energy of {site} today.", "Shows one day, and two months were asked for."),
            ("chatstream", "expanded", "Messages about energy.", "Messages answer nothing here."),
        ),
        ("comparison",),
        "Put the two months beside each other and name the difference.",
    ),
    PlanCase(
        "alarm-history",
        "Which alarms came from {asset} this week and who acknowledged them?",
        ("alarms",),
        "history",
        ("people",),
        "A list of past alarms of one machine in time order, with the names of those who acted.",
        "Alarms of {asset} this week",
        (
            ("timeline", "hero", "All alarms of {asset} in order of time.", "Order and gaps are seen at a glance."),
            ("eventlogstream", "expanded", "Each alarm with the name and time of who acknowledged it.", "Answers who."),
            ("kpi", "compact", "Number of alarms and mean time to acknowledge.", "A fair summary."),
        ),
        "Alarms",
        (
            ("alerts", "expanded", "Open alarms now.", "Open alarms are not the history of a week."),
            ("matrix-heatmap", "hero", "Alarms by hour for all sites.", "All sites drown the one machine."),
            ("kpi", "normal", "Efficiency of {asset}.", "Efficiency was not asked for."),
        ),
        ("timeline", "eventlogstream"),
        "Show the log of {asset} with the people who acknowledged.",
    ),
    PlanCase(
        "energy-flow",
        "Where does the electricity of {site} go?",
        ("energy",),
        "flow",
        ("composition",),
        "A breakdown of where energy flows from the main meter to the systems.",
        "From the main meter to the systems of {site}",
        (
            (
                "flow-sankey",
                "hero",
                "Electricity of {site} from the meter to each system.",
                "Right for a flow.",
            ),
            (
                "composition",
                "expanded",
                "Shares of lighting, cooling, air and the rest.",
                "Easy to quote.",
            ),
        ),
        "Electricity",
        (
            ("kpi", "compact", "Electricity of {site} in total.", "One total does not say where it goes."),
            ("trends-cumulative", "expanded", "Sum of electricity this year.", "A sum over time hides the parts."),
        ),
        ("flow-sankey", "composition"),
        "Break the total down by system.",
    ),
    PlanCase(
        "sensor-drift",
        "Show the supply and return temperature of {asset} for the last two weeks.",
        ("equipment",),
        "trend",
        ("comparison",),
        "Two measured values of one machine over the same two weeks, in one chart.",
        "{asset}: supply and return",
        (
            (
                "trend-multi-line",
                "hero",
                "Supply and return of {asset} in one chart.",
                "Both lines, as asked.",
            ),
            ("distribution", "normal", "How often the difference was outside its range.", "Adds how unusual it is."),
        ),
        "Temperatures",
        (
            ("trend", "expanded", "Supply temperature of {asset}.", "Only one of the two values is shown."),
            ("trend", "expanded", "Outside temperature.", "The outside temperature was not asked for."),
        ),
        ("trend-multi-line",),
        "Draw supply and return in the same chart.",
    ),
    PlanCase(
        "night-use",
        "Why is {site} using so much at night?",
        ("energy", "schedules"),
        "cause",
        ("pattern",),
        "Looks for what runs outside working hours and since when.",
        "What runs at night at {site}",
        (
            ("matrix-heatmap", "hero", "Use of {site} by hour and weekday.", "The night pattern is plain to see."),
            ("category-bar", "expanded", "Systems that run between ten and five.", "Names the culprits."),
            ("alerts", "normal", "Schedules of {site} with an exception.", "Points to a likely cause."),
        ),
        "{site} by day",
        (
            ("composition", "hero", "Share of each tenant.", "Tenants are not the question."),
            ("kpi", "normal", "Use of {site} today.", "A day's total says nothing about the night."),
        ),
        ("matrix-heatmap", "category-bar"),
        "Split the use by hour, then name what runs.",
    ),
    PlanCase(
        "on-call",
        "Who is on shift at {site} and can look at {asset} right now?",
        ("people", "equipment"),
        "people",
        ("availability",),
        "Wants a person who is present now and qualified for this machine.",
        "On shift at {site} now",
        (
            ("peopleview", "expanded", "People on shift at {site} with their skills.", "Names and skills, as asked."),
            ("alerts", "normal", "What is wrong with {asset}.", "Tells the person what to look at."),
        ),
        "People",
        (
            ("peoplenetwork", "hero", "Who works with whom.", "A network of colleagues helps nobody right now."),
            ("trend", "expanded", "Load of {asset}.", "The load does not find a person."),
        ),
        ("peopleview",),
        "List who is on shift now, with skills, and keep it small.",
        ("peoplenetwork",),
        "high",
    ),
    PlanCase(
        "gateway",
        "Is the gateway at {site} healthy?",
        ("network",),
        "health",
        ("history",),
        "The state of one edge device and its recent interruptions.",
        "Gateway at {site}",
        (
            ("edgedevicepanel", "hero", "State of the gateway and its controllers.", "Made for this question."),
            ("timeline", "expanded", "Interruptions in the last seven days.", "Shows whether it is getting worse."),
        ),
        "{site}",
        (
            ("supplychainglobe", "hero", "Sites on a map of the world.", "A globe for one gateway is decoration."),
            ("alerts", "normal", "All open alarms of all sites.", "The gateway drowns among other alarms."),
        ),
        ("edgedevicepanel",),
        "Show the device itself and its interruptions.",
    ),
    PlanCase(
        "budget",
        "Are we still within the energy budget for {site} this year?",
        ("energy", "cost"),
        "target",
        ("forecast",),
        "Cumulated cost against a yearly budget, with an outlook.",
        "Energy budget of {site}",
        (
            (
                "trends-cumulative",
                "hero",
                "Cost so far against the budget line of {site}.",
                "Shows the way to go.",
            ),
            ("kpi", "compact", "Rest of the budget and months left.", "The answer as one figure."),
            ("composition", "expanded", "What the money was spent on.", "Helps to decide what to cut."),
        ),
        "Costs",
        (
            ("category-bar", "expanded", "Cost by month.", "Months without a budget line leave the question open."),
            ("eventlogstream", "hero", "Log of all readings.", "A log on half the screen helps nobody here."),
        ),
        ("trends-cumulative",),
        "Draw the budget as a line and cumulate towards it.",
        ("eventlogstream",),
    ),
    PlanCase(
        "remind",
        "Remind the team to clean the filters of {asset} on Friday morning.",
        ("maintenance",),
        "task",
        ("people",),
        "An order to set a reminder; a confirmation and the present filter state are enough.",
        "Reminder: filters of {asset}",
        (
            ("kpi", "compact", "Filter pressure of {asset} now.", "One figure that explains the reminder."),
            ("timeline", "expanded", "Friday's tasks with the new reminder in place.", "Confirms that it was entered."),
        ),
        "Filters",
        (
            ("distribution", "expanded", "Filter pressure of all machines.", "Statistics where an order was given."),
            ("trend-multi-line", "hero", "Pressure of all filters this year.", "Far too much for a reminder."),
        ),
        ("timeline",),
        "Confirm the reminder and leave the rest out.",
        ("trend-multi-line",),
    ),
    PlanCase(
        "rank",
        "Which air handlers at {site} waste the most energy?",
        ("energy", "equipment"),
        "ranking",
        ("comparison",),
        "A ranking of one kind of machine within one building, with what stands behind it.",
        "Air handlers of {site}, ranked",
        (
            (
                "category-bar",
                "hero",
                "Energy per cubic metre for each air handler.",
                "A ranking, as asked.",
            ),
            (
                "matrix-heatmap",
                "hero",
                "Hours of simultaneous heating and cooling.",
                "Shows why they lead.",
            ),
            ("kpi", "normal", "What the worst three cost in a year.", "Makes it worth acting on."),
        ),
        "Air handlers",
        (
            ("composition", "expanded", "Share of air in the energy of {site}.", "One share cannot rank machines."),
            ("peoplehexgrid", "expanded", "Where people sit.", "Occupancy alone does not show waste."),
        ),
        ("category-bar",),
        "Rank the machines by one figure.",
    ),
    PlanCase(
        "shift-notes",
        "What did the night shift write about {asset}?",
        ("people", "equipment"),
        "messages",
        ("history",),
        "Wants the notes of one shift about one machine, in their own words.",
        "Night shift on {asset}",
        (
            ("chatstream", "expanded", "Notes of last night that name {asset}.", "The words themselves, as asked."),
            ("eventlogstream", "expanded", "What the log says at the same times.", "Notes and log can be compared."),
        ),
        "Night at {site}",
        (
            ("kpi", "normal", "Number of notes.", "A count is not what was written."),
            ("distribution", "normal", "Length of notes by shift.", "Curious, and no help."),
        ),
        ("chatstream",),
        "Show the notes themselves.",
    ),
)
