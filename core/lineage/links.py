"""The loop as one table of links: which row keeps the id of which other row, read from left to right.

import → interaction → feedback → … → pair → dataset → run → adapter → experiment. What was said of a row (a reading,
a verdict, a reward, a label) stands between that row and what is made of it, because it is what made it so: ``Judged``
is such a row with everything said of it, under its own id. So a walk back from a dataset finds the labels of its pairs
and the verdicts on their answers, and a walk forward from a label finds the adapters it taught.

No circle: the answers an adapter gave are the next round of the loop. That link (``ANSWERED``) is followed only where a
walk starts: an answer knows the adapter that gave it, an adapter the answers it gave, and both walks end there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from core.tables import LabelChoice


class Kind(StrEnum):
    """The kinds of rows in a lineage, in the loop's order."""

    IMPORT = "import"
    INTERACTION = "interaction"
    FEEDBACK = "feedback"
    AGENT_FEEDBACK = "agent_feedback"
    TRIAGE = "triage"
    EVALUATION = "evaluation"
    REWARD = "reward"
    LEARNING_EXAMPLE = "learning_example"
    ANNOTATION = "annotation"
    PAIR = "pair"
    LABEL = "label"
    PAIR_EVALUATION = "pair_evaluation"
    DATASET = "dataset"
    RUN = "run"
    ADAPTER = "adapter"
    EXPERIMENT = "experiment"

    @property
    def noun(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Judged(StrEnum):
    """A row with what was said of it."""

    INTERACTION = "judged_interaction"
    FEEDBACK = "judged_feedback"
    EXAMPLE = "judged_example"
    PAIR = "judged_pair"


Node = Kind | Judged
Condition = sa.ColumnElement[bool] | sa.TextClause

# Every link leads from an earlier node to a later one: one pass over this order is a whole walk.
ORDER: tuple[Node, ...] = (
    Kind.IMPORT,
    Kind.INTERACTION,
    Kind.FEEDBACK,
    Kind.AGENT_FEEDBACK,
    Kind.TRIAGE,
    Judged.FEEDBACK,
    Kind.EVALUATION,
    Kind.REWARD,
    Judged.INTERACTION,
    Kind.LEARNING_EXAMPLE,
    Kind.ANNOTATION,
    Judged.EXAMPLE,
    Kind.PAIR,
    Kind.LABEL,
    Kind.PAIR_EVALUATION,
    Judged.PAIR,
    Kind.DATASET,
    Kind.RUN,
    Kind.ADAPTER,
    Kind.EXPERIMENT,
)

_NAMES = {
    Kind.IMPORT: "imports",
    Kind.INTERACTION: "interactions",
    Kind.FEEDBACK: "feedback",
    Kind.AGENT_FEEDBACK: "agent_feedback",
    Kind.TRIAGE: "triage_results",
    Kind.EVALUATION: "evaluations",
    Kind.REWARD: "rewards",
    Kind.LEARNING_EXAMPLE: "learning_examples",
    Kind.ANNOTATION: "expert_annotations",
    Kind.PAIR: "preference_pairs",
    Kind.LABEL: "pair_labels",
    Kind.PAIR_EVALUATION: "pair_evaluations",
    Kind.DATASET: "training_datasets",
    Kind.RUN: "training_runs",
    Kind.ADAPTER: "adapters",
    Kind.EXPERIMENT: "learning_experiments",
}
TABLES: dict[Kind, sa.Table] = {kind: SQLModel.metadata.tables[name] for kind, name in _NAMES.items()}

_labels, _datasets, _feedback = TABLES[Kind.LABEL], TABLES[Kind.DATASET], TABLES[Kind.FEEDBACK]
_dataset_pairs = SQLModel.metadata.tables["dataset_pairs"]
_dataset_examples = SQLModel.metadata.tables["dataset_examples"]


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Rows of ``source`` hold the id of the earlier row in ``up`` and that of the later one in ``down``.

    Without a source both are the same row. ``said``: the later row only says something of the earlier one, so a walk
    back that came to it from the earlier one need not return.
    """

    earlier: Node
    later: Node
    source: sa.FromClause | None = None
    up: sa.ColumnElement[Any] | None = None
    down: sa.ColumnElement[Any] | None = None
    where: tuple[Condition, ...] = ()
    said: bool = False

    @property
    def kept(self) -> str | None:
        """The column of the later row that holds the earlier one's id; None where another table joins the two."""
        own = (
            isinstance(self.later, Kind) and self.source is TABLES[self.later] and self.down is TABLES[self.later].c.id
        )
        return self.up.key if own and self.up is not None else None


def _made(earlier: Node, later: Kind, *columns: str) -> list[Link]:
    """``later`` keeps the id of ``earlier`` in each of ``columns``."""
    table = TABLES[later]
    return [Link(earlier, later, table, table.c[column], table.c.id) for column in columns]


def _said(of: Kind, by: Kind, judged: Judged, column: str) -> list[Link]:
    """``by`` says something of ``of``, whose id it keeps in ``column``; what is made of ``of`` rests on it."""
    table = TABLES[by]
    return [
        Link(of, by, table, table.c[column], table.c.id, said=True),
        Link(by, judged, table, table.c.id, table.c[column]),
    ]


# Labels that stand. A bare column: with "= 1" behind it SQLite would not see that the partial index fits.
_stands = (sa.text("pair_labels.is_current"), _labels.c.choice != LabelChoice.SKIP)
# A label given after the freeze has taught that dataset nothing.
_in_time = sa.or_(_datasets.c.frozen_at.is_(None), _labels.c.created_at <= _datasets.c.frozen_at)
FROZEN_LABELS = _labels.join(_dataset_pairs, _dataset_pairs.c.pair_id == _labels.c.pair_id).join(
    _datasets, _datasets.c.id == _dataset_pairs.c.dataset_id
)
TAUGHT: tuple[Condition, ...] = (*_stands, _in_time)  # of FROZEN_LABELS

LINKS: tuple[Link, ...] = (
    *_made(Kind.IMPORT, Kind.INTERACTION, "import_id"),
    *_made(Kind.IMPORT, Kind.FEEDBACK, "import_id"),
    *_made(Kind.INTERACTION, Kind.FEEDBACK, "interaction_id"),
    *_made(Kind.INTERACTION, Kind.AGENT_FEEDBACK, "interaction_id"),
    *_said(Kind.FEEDBACK, Kind.TRIAGE, Judged.FEEDBACK, "feedback_id"),
    Link(Kind.FEEDBACK, Judged.FEEDBACK),
    *_said(Kind.INTERACTION, Kind.EVALUATION, Judged.INTERACTION, "interaction_id"),
    *_said(Kind.INTERACTION, Kind.REWARD, Judged.INTERACTION, "interaction_id"),
    # What somebody has taken back since then speaks for no answer any more.
    Link(
        Judged.FEEDBACK,
        Judged.INTERACTION,
        _feedback,
        _feedback.c.id,
        _feedback.c.interaction_id,
        (_feedback.c.is_current,),
    ),
    Link(
        Kind.AGENT_FEEDBACK,
        Judged.INTERACTION,
        TABLES[Kind.AGENT_FEEDBACK],
        TABLES[Kind.AGENT_FEEDBACK].c.id,
        TABLES[Kind.AGENT_FEEDBACK].c.interaction_id,
    ),
    Link(Kind.INTERACTION, Judged.INTERACTION),
    *_made(Judged.INTERACTION, Kind.LEARNING_EXAMPLE, "source_interaction_id"),
    *_made(Judged.FEEDBACK, Kind.LEARNING_EXAMPLE, "source_feedback_id"),
    *_made(Kind.AGENT_FEEDBACK, Kind.LEARNING_EXAMPLE, "source_agent_feedback_id"),
    *_said(Kind.LEARNING_EXAMPLE, Kind.ANNOTATION, Judged.EXAMPLE, "learning_example_id"),
    Link(Kind.LEARNING_EXAMPLE, Judged.EXAMPLE),
    *_made(Kind.IMPORT, Kind.PAIR, "import_id"),
    *_made(Judged.INTERACTION, Kind.PAIR, "interaction_a_id", "interaction_b_id"),
    *_made(Judged.FEEDBACK, Kind.PAIR, "feedback_id"),
    *_made(Judged.EXAMPLE, Kind.PAIR, "learning_example_id"),
    *_made(Kind.IMPORT, Kind.LABEL, "import_id"),
    *_made(Kind.IMPORT, Kind.PAIR_EVALUATION, "import_id"),
    Link(Kind.PAIR, Kind.LABEL, _labels, _labels.c.pair_id, _labels.c.id, _stands, said=True),
    *_said(Kind.PAIR, Kind.PAIR_EVALUATION, Judged.PAIR, "pair_id"),
    Link(Kind.PAIR, Judged.PAIR),
    Link(Judged.PAIR, Kind.DATASET, _dataset_pairs, _dataset_pairs.c.pair_id, _dataset_pairs.c.dataset_id),
    Link(Kind.LABEL, Kind.DATASET, FROZEN_LABELS, _labels.c.id, _dataset_pairs.c.dataset_id, TAUGHT),
    Link(
        Judged.EXAMPLE,
        Kind.DATASET,
        _dataset_examples,
        _dataset_examples.c.example_id,
        _dataset_examples.c.dataset_id,
    ),
    *_made(Kind.DATASET, Kind.RUN, "dataset_id"),
    *_made(Kind.RUN, Kind.ADAPTER, "run_id"),
    *_made(Kind.ADAPTER, Kind.EXPERIMENT, "control_adapter_id", "treatment_adapter_id"),
)

_interactions = TABLES[Kind.INTERACTION]
ANSWERED = Link(Kind.ADAPTER, Kind.INTERACTION, _interactions, _interactions.c.adapter_id, _interactions.c.id)
