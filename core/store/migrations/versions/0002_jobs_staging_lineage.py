"""Jobs, staging, lineage"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def _move_rejects() -> None:
    """Rejects get a table of their own; every import there is so far was published whole."""
    connection = op.get_bind()
    imports = sa.table(
        "imports",
        sa.column("id", sa.Uuid),
        sa.column("rejects", sa.JSON),
        sa.column("status", sa.String),
        sa.column("created_at", sqlmodel.sql.sqltypes.UTCDateTime),
        sa.column("published_at", sqlmodel.sql.sqltypes.UTCDateTime),
    )
    rejects = sa.table(
        "import_rejects", sa.column("import_id", sa.Uuid), sa.column("line", sa.Integer), sa.column("reason", sa.Text)
    )
    for import_id, listed in connection.execute(sa.select(imports.c.id, imports.c.rejects)).all():
        rows = {entry["line"]: entry["reason"] for entry in listed or []}
        if rows:
            values = [{"import_id": import_id, "line": line, "reason": reason} for line, reason in rows.items()]
            connection.execute(sa.insert(rejects), values)
    connection.execute(sa.update(imports).values(status="published", published_at=imports.c.created_at))


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("caller", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("key", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("route", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("body_sha256", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False)

    op.create_table(
        "staged_feedback",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("site_form", "chat_message", "plan", name="feedbackkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("agent_id", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("interaction_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column(
            "form_type",
            sa.Enum(
                "bug",
                "technical_question",
                "feature",
                "general",
                "research",
                "commercial",
                name="formtype",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "feedback_type",
            sa.Enum(
                "thumbs_up",
                "thumbs_down",
                "rating_1",
                "rating_2",
                "rating_3",
                "rating_4",
                "rating_5",
                "regenerate",
                "copy",
                "follow_up",
                name="messagefeedbacktype",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("rating", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("correction", sa.Text(), nullable=True),
        sa.Column("helpful", sa.Boolean(), nullable=True),
        sa.Column("accurate", sa.Boolean(), nullable=True),
        sa.Column("complete", sa.Boolean(), nullable=True),
        sa.Column("widget_interactions", sa.JSON(), nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("page", sa.JSON(), nullable=False),
        sa.Column("pii", sa.JSON(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("dedupe_key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", "item", name=op.f("pk_staged_feedback")),
    )
    op.create_table(
        "staged_interactions",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("chat", "plan", "execution", name="interactionkind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("conversation_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("user_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("response", sa.Text(), nullable=False),
        sa.Column("prompt_key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("prompt_group", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("intent", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("intent_confidence", sa.Float(), nullable=True),
        sa.Column("context_sources", sa.JSON(), nullable=False),
        sa.Column("suggested_actions", sa.JSON(), nullable=False),
        sa.Column("response_ms", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("adapter_id", sa.Uuid(), nullable=True),
        sa.Column("pii", sa.JSON(), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("raw", sa.JSON(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", "item", name=op.f("pk_staged_interactions")),
    )
    op.create_table(
        "staged_pair_evaluations",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("judge", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("prompt_version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("prompt_hash", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("presentation_order", sqlmodel.sql.sqltypes.AutoString(length=2), nullable=False),
        sa.Column("repeat_index", sa.Integer(), nullable=False),
        sa.Column("choice", sa.Enum("A", "B", "tie", name="pairchoice", native_enum=False, length=40), nullable=True),
        sa.Column("unscored_reason", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("score_a", sa.Float(), nullable=True),
        sa.Column("score_b", sa.Float(), nullable=True),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("request_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("raw_answer", sa.Text(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "line", "item", name=op.f("pk_staged_pair_evaluations")),
    )
    op.create_table(
        "staged_pair_labels",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("annotator", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column(
            "choice",
            sa.Enum("A", "B", "tie", "both_bad", "skip", name="labelchoice", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("left_side", sa.Enum("A", "B", name="side", native_enum=False, length=40), nullable=False),
        sa.Column("shown_ms", sa.Integer(), nullable=False),
        sa.Column("strength", sa.Integer(), nullable=True),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("content_key", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("import_id", "line", "item", name=op.f("pk_staged_pair_labels")),
    )
    op.create_table(
        "staged_preference_pairs",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=True),
        sa.Column("prompt_group", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("answer_a", sa.Text(), nullable=False),
        sa.Column("answer_b", sa.Text(), nullable=False),
        sa.Column("preferred", sa.Enum("A", "B", name="side", native_enum=False, length=40), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "needs_label", "accepted", "no_preference", "excluded", name="pairstatus", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "origin",
            sa.Enum(
                "rating",
                "correction",
                "regeneration",
                "import",
                "unrated",
                name="pairorigin",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("margin", sa.Float(), nullable=True),
        sa.Column("content_key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("interaction_a_id", sa.Uuid(), nullable=True),
        sa.Column("interaction_b_id", sa.Uuid(), nullable=True),
        sa.Column("feedback_id", sa.Uuid(), nullable=True),
        sa.Column("learning_example_id", sa.Uuid(), nullable=True),
        sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("leased_by", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("leased_until", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("import_id", "line", "item", name=op.f("pk_staged_preference_pairs")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("machine", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("process", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("host", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("home_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("heartbeat_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("stopped_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "import_rejects",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["imports.id"], name=op.f("fk_import_rejects_import_id_imports"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("import_id", "line", name=op.f("pk_import_rejects")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("resource", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("input", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "paused",
                "interrupted",
                "completed",
                "failed",
                "cancelled",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            server_default="queued",
            nullable=False,
        ),
        sa.Column(
            "command",
            sa.Enum("cancel", "pause", name="command", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("not_before", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("unit", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("note", sqlmodel.sql.sqltypes.AutoString(length=300), nullable=False),
        sa.Column("attempt_done", sa.Integer(), nullable=False),
        sa.Column("paced_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("home_id", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=True),
        sa.Column("worker_id", sa.Uuid(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("requested_by", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.Column("started_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("progressed_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.Column("ended_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["worker_id"], ["workers.id"], name=op.f("fk_jobs_worker_id_workers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_jobs_created_at"), ["created_at"], unique=False)
        batch_op.create_index("ix_jobs_kind_created_at", ["kind", "created_at"], unique=False)
        batch_op.create_index("ix_jobs_status_position", ["status", "position"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_subject_id"), ["subject_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_jobs_worker_id"), ["worker_id"], unique=False)
        batch_op.create_index(
            "uq_jobs_one_running",
            ["resource"],
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )

    op.create_table(
        "job_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_events_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_events")),
    )
    with op.batch_alter_table("job_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_events_job_id"), ["job_id"], unique=False)

    op.create_table(
        "run_checkpoints",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("path", sqlmodel.sql.sqltypes.AutoString(length=500), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_runs.id"], name=op.f("fk_run_checkpoints_run_id_training_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "step", name=op.f("pk_run_checkpoints")),
    )
    op.create_table(
        "pair_evaluations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("judge", sqlmodel.sql.sqltypes.AutoString(length=100), nullable=False),
        sa.Column("prompt_version", sqlmodel.sql.sqltypes.AutoString(length=40), nullable=False),
        sa.Column("prompt_hash", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("presentation_order", sqlmodel.sql.sqltypes.AutoString(length=2), nullable=False),
        sa.Column("repeat_index", sa.Integer(), nullable=False),
        sa.Column(
            "choice",
            sa.Enum("A", "B", "tie", name="choice", native_enum=False, create_constraint=True, length=40),
            nullable=True,
        ),
        sa.Column("unscored_reason", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("score_a", sa.Float(), nullable=True),
        sa.Column("score_b", sa.Float(), nullable=True),
        sa.Column("reasoning", sa.Text(), nullable=False),
        sa.Column("tokens_in", sa.Integer(), nullable=True),
        sa.Column("tokens_out", sa.Integer(), nullable=True),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("request_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True),
        sa.Column("raw_answer", sa.Text(), nullable=True),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "(choice IS NULL) = (unscored_reason IS NOT NULL)", name=op.f("ck_pair_evaluations_chosen_or_reason")
        ),
        sa.CheckConstraint(
            "confidence IS NULL OR (confidence >= 0 AND confidence <= 1)",
            name=op.f("ck_pair_evaluations_confidence_range"),
        ),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_pair_evaluations_import_id_imports")),
        sa.ForeignKeyConstraint(
            ["pair_id"],
            ["preference_pairs.id"],
            name=op.f("fk_pair_evaluations_pair_id_preference_pairs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pair_evaluations")),
        sa.UniqueConstraint(
            "pair_id",
            "judge",
            "prompt_version",
            "presentation_order",
            "repeat_index",
            name=op.f("uq_pair_evaluations_once"),
        ),
    )
    with op.batch_alter_table("pair_evaluations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pair_evaluations_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_pair_evaluations_import_id"), ["import_id"], unique=False)
        batch_op.create_index("ix_pair_evaluations_judge_prompt_version", ["judge", "prompt_version"], unique=False)

    op.create_table(
        "run_pair_scores",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("split", sqlmodel.sql.sqltypes.AutoString(length=20), nullable=False),
        sa.Column("before", sa.Float(), nullable=True),
        sa.Column("after", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pair_id"],
            ["preference_pairs.id"],
            name=op.f("fk_run_pair_scores_pair_id_preference_pairs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["training_runs.id"], name=op.f("fk_run_pair_scores_run_id_training_runs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "pair_id", name=op.f("pk_run_pair_scores")),
    )
    with op.batch_alter_table("run_pair_scores", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_run_pair_scores_pair_id"), ["pair_id"], unique=False)

    with op.batch_alter_table("agent_feedback", schema=None) as batch_op:
        batch_op.add_column(sa.Column("agent_output", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("pii", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(
            sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=100), server_default="api", nullable=False)
        )
        batch_op.add_column(sa.Column("raw", sa.JSON(), server_default="{}", nullable=False))

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index(
            "uq_feedback_current_plan",
            ["interaction_id", "user_id"],
            unique=True,
            sqlite_where=sa.text("is_current AND kind = 'plan'"),
            postgresql_where=sa.text("is_current AND kind = 'plan'"),
        )
        batch_op.add_column(sa.Column("widget_interactions", sa.JSON(), nullable=True))

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("size_bytes", sa.BigInteger(), server_default="0", nullable=False))
        batch_op.add_column(
            sa.Column("kind", sqlmodel.sql.sqltypes.AutoString(length=40), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "agent_id", sqlmodel.sql.sqltypes.AutoString(length=100), server_default="imported", nullable=False
            )
        )
        batch_op.add_column(sa.Column("columns_key", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=True))
        batch_op.add_column(
            sa.Column(
                "status",
                sa.Enum(
                    "reading",
                    "checked",
                    "published",
                    "failed",
                    "cancelled",
                    name="status",
                    native_enum=False,
                    create_constraint=True,
                    length=40,
                ),
                server_default="reading",
                nullable=False,
            )
        )
        batch_op.add_column(sa.Column("dry_run", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("counts", sa.JSON(), server_default="{}", nullable=False))
        batch_op.add_column(sa.Column("published_at", sqlmodel.sql.sqltypes.UTCDateTime(), nullable=True))
        batch_op.create_index("ix_imports_columns_key_created_at", ["columns_key", "created_at"], unique=False)

    _move_rejects()
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_column("rejects")

    with op.batch_alter_table("interactions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("import_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_interactions_import_id"), ["import_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_interactions_import_id_imports"), "imports", ["import_id"], ["id"])

    with op.batch_alter_table("learning_examples", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source_agent_feedback_id", sa.Uuid(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_learning_examples_source_agent_feedback_id"), ["source_agent_feedback_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_learning_examples_source_agent_feedback_id_agent_feedback"),
            "agent_feedback",
            ["source_agent_feedback_id"],
            ["id"],
        )

    with op.batch_alter_table("learning_experiments", schema=None) as batch_op:
        batch_op.add_column(sa.Column("control_adapter_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("treatment_adapter_id", sa.Uuid(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_learning_experiments_control_adapter_id"), ["control_adapter_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_learning_experiments_treatment_adapter_id"), ["treatment_adapter_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_learning_experiments_treatment_adapter_id_adapters"),
            "adapters",
            ["treatment_adapter_id"],
            ["id"],
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_learning_experiments_control_adapter_id_adapters"),
            "adapters",
            ["control_adapter_id"],
            ["id"],
        )

    with op.batch_alter_table("pair_labels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("import_id", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_pair_labels_import_id"), ["import_id"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_pair_labels_import_id_imports"), "imports", ["import_id"], ["id"])

    with op.batch_alter_table("preference_pairs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("external_id", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=True))
        batch_op.create_index("ix_preference_pairs_agent_id_external_id", ["agent_id", "external_id"], unique=False)

    with op.batch_alter_table("training_runs", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_training_runs_command"), type_="check")
        batch_op.drop_column("command")
        batch_op.drop_column("owner")

    with op.batch_alter_table("adapters", schema=None) as batch_op:
        for name in ("size_bytes", "parameters"):
            batch_op.alter_column(name, existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("adapters", schema=None) as batch_op:
        for name in ("size_bytes", "parameters"):
            batch_op.alter_column(name, existing_type=sa.BigInteger(), type_=sa.Integer(), existing_nullable=False)

    with op.batch_alter_table("training_runs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("owner", sa.VARCHAR(length=200), nullable=True))
        batch_op.add_column(
            sa.Column(
                "command",
                sa.Enum("cancel", name="command", native_enum=False, create_constraint=True, length=40),
                nullable=True,
            )
        )

    with op.batch_alter_table("preference_pairs", schema=None) as batch_op:
        batch_op.drop_index("ix_preference_pairs_agent_id_external_id")
        batch_op.drop_column("external_id")

    with op.batch_alter_table("pair_labels", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_pair_labels_import_id_imports"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_pair_labels_import_id"))
        batch_op.drop_column("import_id")

    with op.batch_alter_table("learning_experiments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_learning_experiments_control_adapter_id_adapters"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("fk_learning_experiments_treatment_adapter_id_adapters"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_learning_experiments_treatment_adapter_id"))
        batch_op.drop_index(batch_op.f("ix_learning_experiments_control_adapter_id"))
        batch_op.drop_column("treatment_adapter_id")
        batch_op.drop_column("control_adapter_id")

    with op.batch_alter_table("learning_examples", schema=None) as batch_op:
        batch_op.drop_constraint(
            batch_op.f("fk_learning_examples_source_agent_feedback_id_agent_feedback"), type_="foreignkey"
        )
        batch_op.drop_index(batch_op.f("ix_learning_examples_source_agent_feedback_id"))
        batch_op.drop_column("source_agent_feedback_id")

    with op.batch_alter_table("interactions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_interactions_import_id_imports"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_interactions_import_id"))
        batch_op.drop_column("import_id")

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rejects", sa.JSON(), server_default="[]", nullable=False))
        batch_op.drop_index("ix_imports_columns_key_created_at")
        batch_op.drop_column("published_at")
        batch_op.drop_column("counts")
        batch_op.drop_column("dry_run")
        batch_op.drop_constraint(batch_op.f("ck_imports_status"), type_="check")
        batch_op.drop_column("status")
        batch_op.drop_column("columns_key")
        batch_op.drop_column("agent_id")
        batch_op.drop_column("kind")
        batch_op.drop_column("size_bytes")

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index("uq_feedback_current_plan")
        batch_op.drop_column("widget_interactions")

    with op.batch_alter_table("agent_feedback", schema=None) as batch_op:
        batch_op.drop_column("raw")
        batch_op.drop_column("source")
        batch_op.drop_column("pii")
        batch_op.drop_column("agent_output")

    with op.batch_alter_table("run_pair_scores", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_pair_scores_pair_id"))

    op.drop_table("run_pair_scores")
    with op.batch_alter_table("pair_evaluations", schema=None) as batch_op:
        batch_op.drop_index("ix_pair_evaluations_judge_prompt_version")
        batch_op.drop_index(batch_op.f("ix_pair_evaluations_import_id"))
        batch_op.drop_index(batch_op.f("ix_pair_evaluations_created_at"))

    op.drop_table("pair_evaluations")
    op.drop_table("run_checkpoints")
    with op.batch_alter_table("job_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_events_job_id"))

    op.drop_table("job_events")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_jobs_one_running",
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        )
        batch_op.drop_index(batch_op.f("ix_jobs_worker_id"))
        batch_op.drop_index(batch_op.f("ix_jobs_subject_id"))
        batch_op.drop_index("ix_jobs_status_position")
        batch_op.drop_index("ix_jobs_kind_created_at")
        batch_op.drop_index(batch_op.f("ix_jobs_created_at"))

    op.drop_table("jobs")
    op.drop_table("import_rejects")
    op.drop_table("workers")
    op.drop_table("staged_preference_pairs")
    op.drop_table("staged_pair_labels")
    op.drop_table("staged_pair_evaluations")
    op.drop_table("staged_interactions")
    op.drop_table("staged_feedback")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
