"""What a model learns from, as lists: pairs, labels, learning examples, datasets and their rows.

A pair's prompt is its whole conversation, and its two answers are messages: the shape trainers read, and the one Hone
imports again without loss. The sides stand beside them as texts.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from core.exporting.columns import TABLES, Kind, columns, named, preference, turns
from core.exporting.filters import contains, exactly, one_of
from core.exporting.table import exported

_pairs, _labels, _examples = (TABLES[name] for name in ("preference_pairs", "pair_labels", "learning_examples"))
_datasets, _rows = (TABLES[name] for name in ("training_datasets", "dataset_pairs"))

_COMPARED = (turns("prompt", _pairs.c.messages, _pairs.c.prompt), *preference())
_FROZEN = (
    named("prompt", _rows.c.messages, Kind.TURNS),
    named("chosen", _rows.c.chosen, Kind.ANSWER),
    named("rejected", _rows.c.rejected, Kind.ANSWER),
)


def _taught(_name: str, value: Any) -> sa.ColumnElement[bool]:
    """A dataset of pairs has one agent, so its list is compared as the text it is stored as."""
    return sa.cast(_datasets.c.agent_ids, sa.Text) == json.dumps([str(value)])


LISTS = (
    exported(
        "pairs",
        columns("preference_pairs", "id agent_id")
        + _COMPARED
        + columns("preference_pairs", "answer_a answer_b preferred status origin reason margin prompt_group")
        + columns("preference_pairs", "content_key version external_id interaction_a_id interaction_b_id feedback_id")
        + columns("preference_pairs", "learning_example_id import_id created_at"),
        table="preference_pairs",
        origin=one_of(_pairs.c.origin),
        import_id=exactly(_pairs.c.import_id),
        search=contains(_pairs.c.prompt, _pairs.c.answer_a, _pairs.c.answer_b),
    ),
    exported(
        "labels",
        columns("pair_labels", "id annotator choice left_side shown_ms strength is_current")
        + columns("preference_pairs", "agent_id content_key")
        + columns("pair_labels", "pair_id import_id created_at"),
        table="pair_labels",
        rows=_labels.join(_pairs, _pairs.c.id == _labels.c.pair_id),
        agent=exactly(_pairs.c.agent_id),
        annotator=exactly(_labels.c.annotator),
        pair_id=exactly(_labels.c.pair_id),
    ),
    exported(
        "examples",
        columns("learning_examples", "id agent_id example_type input_context input_text original_output")
        + columns("learning_examples", "expected_output output_a output_b preferred_output preference_strength domain")
        + columns("learning_examples", "task_type complexity tags quality_score confidence_score source_type")
        + columns(
            "learning_examples", "review_status reviewed_by reviewed_at notes times_used_in_training last_used_at"
        )
        + columns("learning_examples", "is_active source_interaction_id source_feedback_id source_agent_feedback_id")
        + columns("learning_examples", "created_at updated_at"),
        table="learning_examples",
        status=one_of(_examples.c.review_status),
        example_type=one_of(_examples.c.example_type),
    ),
    exported(
        "datasets",
        columns("training_datasets", "id name description version kind agent_ids domains task_types total_examples")
        + columns("training_datasets", "positive_examples negative_examples correction_examples avg_quality_score")
        + columns("training_datasets", "human_verified_percentage recipe content_hash frozen_by frozen_at status")
        + columns("training_datasets", "created_at updated_at"),
        table="training_datasets",
        agent=_taught,
        kind=one_of(_datasets.c.kind),
    ),
    exported(
        "dataset_pairs",
        columns("dataset_pairs", "id position split prompt_group")
        + _FROZEN
        + columns("preference_pairs", "agent_id origin interaction_a_id interaction_b_id feedback_id")
        + columns("preference_pairs", "learning_example_id import_id")
        + columns("dataset_pairs", "dataset_id pair_id created_at"),
        table="dataset_pairs",
        rows=_rows.join(_pairs, _pairs.c.id == _rows.c.pair_id),
        order=(_rows.c.dataset_id, _rows.c.position),
        agent=exactly(_pairs.c.agent_id),
        dataset_id=exactly(_rows.c.dataset_id),
        split=one_of(_rows.c.split),
    ),
)
