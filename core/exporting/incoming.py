"""What came in, as lists: interactions, feedback, feedback on executions, and the files it was imported from.

Raw payloads stay behind: what is known of them is in the columns.
"""

from __future__ import annotations

from core.exporting.columns import TABLES, columns
from core.exporting.filters import exactly, one_of
from core.exporting.table import exported

_interactions, _plans, _feedback = (TABLES[name] for name in ("interactions", "plans", "feedback"))

LISTS = (
    exported(
        "interactions",
        columns("interactions", "id agent_id kind conversation_id user_id prompt response intent intent_confidence")
        + columns("interactions", "context_sources suggested_actions response_ms error prompt_key prompt_group pii")
        + columns("plans", "heading widgets parsed_intent", before="plan_")
        + columns("interactions", "source external_id adapter_id import_id created_at"),
        table="interactions",
        rows=_interactions.outerjoin(_plans, _plans.c.interaction_id == _interactions.c.id),
        kind=one_of(_interactions.c.kind),
        adapter_id=exactly(_interactions.c.adapter_id),
        import_id=exactly(_interactions.c.import_id),
    ),
    exported(
        "feedback",
        columns("feedback", "id kind agent_id user_id form_type feedback_type rating comment correction helpful")
        + columns("feedback", "accurate complete widget_interactions is_current page pii source")
        + columns("feedback", "interaction_id import_id created_at"),
        table="feedback",
        kind=one_of(_feedback.c.kind),
        import_id=exactly(_feedback.c.import_id),
    ),
    exported(
        "agent_feedback",
        columns("agent_feedback", "id execution_id agent_id user_id feedback_type rating accuracy_rating")
        + columns("agent_feedback", "helpfulness_rating clarity_rating completeness_rating feedback_text")
        + columns(
            "agent_feedback", "correction_text issue_categories agent_output pii source interaction_id created_at"
        ),
        table="agent_feedback",
    ),
    exported(
        "imports",
        columns("imports", "id filename sha256 size_bytes format kind agent_id mapping status dry_run accepted")
        + columns("imports", "duplicates rejected counts notes imported_by created_at published_at"),
        table="imports",
    ),
)
