"""Training runs: what was asked, where they stand, and what they measured on the way."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from core.tables.columns import big_field, id_field, json_field, one_of, text_field, time_field, within


class TrainingType(StrEnum):
    PROMPT_OPTIMIZATION = "prompt_optimization"
    RAG_TUNING = "rag_tuning"
    FINE_TUNING = "fine_tuning"
    RLHF = "rlhf"
    DPO = "dpo"


class RunStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


RUN_TRANSITIONS: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.PENDING: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.RUNNING: frozenset({RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.INTERRUPTED}),
    RunStatus.INTERRUPTED: frozenset({RunStatus.PENDING, RunStatus.CANCELLED, RunStatus.FAILED}),  # pending: resumed
    RunStatus.COMPLETED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}
TERMINAL_RUNS = frozenset(status for status, following in RUN_TRANSITIONS.items() if not following)


class RunPhase(StrEnum):
    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    STARTING = "starting"
    TRAINING = "training"
    PAUSING = "pausing"
    PAUSED = "paused"
    EVALUATING = "evaluating"


class RunOutcome(StrEnum):
    OK = "ok"
    SKIPPED_TOO_FEW = "skipped_too_few"
    EVAL_GATE_FAILED = "eval_gate_failed"
    CRASHED = "crashed"


class Moment(StrEnum):
    """Which side of the training a measurement belongs to."""

    BEFORE = "before"
    AFTER = "after"


class TrainingRun(SQLModel, table=True):
    """At most one run is running at a time: the database itself holds the slot."""

    __tablename__ = "training_runs"
    __table_args__ = (
        within("progress_percentage", 0, 100),
        sa.Index(
            "uq_training_runs_one_running",
            "status",
            unique=True,
            sqlite_where=sa.text("status = 'running'"),
            postgresql_where=sa.text("status = 'running'"),
        ),
        sa.Index("ix_training_runs_agent_id_status", "agent_id", "status"),
    )

    id: UUID = id_field()
    agent_id: str = Field(max_length=100)
    dataset_id: UUID = Field(foreign_key="training_datasets.id", index=True)
    training_type: TrainingType = one_of(TrainingType, "training_type")
    config: dict[str, Any] = json_field()  # the spec the run was started with, whole
    hyperparameters: dict[str, Any] = json_field()
    base_model: str = Field(default="", max_length=500)
    status: RunStatus = one_of(RunStatus, "status", default=RunStatus.PENDING)
    phase: RunPhase | None = one_of(RunPhase, "phase", nullable=True)
    outcome: RunOutcome | None = one_of(RunOutcome, "outcome", nullable=True)
    progress_percentage: float = Field(default=0, sa_column_kwargs={"server_default": "0"})
    current_step: int = 0
    total_steps: int | None = None
    metrics: dict[str, Any] = json_field()
    best_metrics: dict[str, Any] = json_field()
    artifact_path: str | None = Field(default=None, max_length=500)  # relative to the home folder
    log_path: str | None = Field(default=None, max_length=500)
    error: str | None = text_field(nullable=True)  # one sentence for a person
    error_detail: str | None = text_field(nullable=True)  # the traceback
    heartbeat_at: datetime | None = None
    requested_by: str = Field(default="", max_length=200)
    started_at: datetime | None = None
    completed_at: datetime | None = None
    requires_review: bool = Field(default=True, sa_column_kwargs={"server_default": sa.true()})
    reviewed_by: str | None = Field(default=None, max_length=200)
    reviewed_at: datetime | None = None
    review_notes: str | None = text_field(nullable=True)
    version: int = 0
    created_at: datetime = time_field(index=True)


class RunMetric(SQLModel, table=True):
    """What the trainer logged at one step; rewards are β·(log π − log π_ref), in nats."""

    __tablename__ = "run_metrics"

    run_id: UUID = Field(primary_key=True, foreign_key="training_runs.id", ondelete="CASCADE")
    step: int = Field(primary_key=True)
    loss: float | None = None
    reward_margin: float | None = None
    reward_accuracy: float | None = None
    chosen_reward: float | None = None
    rejected_reward: float | None = None
    chosen_logp: float | None = None
    rejected_logp: float | None = None
    entropy: float | None = None
    grad_norm: float | None = None
    learning_rate: float | None = None
    epoch: float | None = None
    tokens: int | None = None  # cumulative
    elapsed_s: float | None = None


class RunEvent(SQLModel, table=True):
    __tablename__ = "run_events"

    id: UUID = id_field()
    run_id: UUID = Field(foreign_key="training_runs.id", ondelete="CASCADE", index=True)
    kind: str = Field(max_length=40)
    message: str = text_field()
    step: int | None = None
    created_at: datetime = time_field()


class RunEvaluation(SQLModel, table=True):
    """Preference accuracy on held-out pairs: how often the chosen answer is the more likely one."""

    __tablename__ = "run_evaluations"

    run_id: UUID = Field(primary_key=True, foreign_key="training_runs.id", ondelete="CASCADE")
    moment: Moment = Field(
        sa_column=sa.Column(
            sa.Enum(
                Moment,
                native_enum=False,
                create_constraint=True,
                length=40,
                name="moment",
                values_callable=lambda members: [member.value for member in members],
            ),
            primary_key=True,
        )
    )
    split: str = Field(primary_key=True, max_length=20)
    n: int
    correct: int
    accuracy: float
    low: float  # Wilson 95 % interval
    high: float
    mean_margin: float  # mean log-probability difference per pair, nats
    preference_loss: float | None = None  # −log σ(margin of rewards), the gate's value
    created_at: datetime = time_field()


class RunPairScore(SQLModel, table=True):
    """How one held-out pair fared: the margin log p(chosen) − log p(rejected), in nats, before and after.

    Wrong before and right after: the complaint behind the pair is one this run fixed.
    """

    __tablename__ = "run_pair_scores"

    run_id: UUID = Field(primary_key=True, foreign_key="training_runs.id", ondelete="CASCADE")
    pair_id: UUID = Field(primary_key=True, foreign_key="preference_pairs.id", ondelete="CASCADE", index=True)
    split: str = Field(max_length=20)
    before: float | None = None
    after: float | None = None


class RunCheckpoint(SQLModel, table=True):
    """Where an interrupted run can go on; the files are checked against their hashes before they are used."""

    __tablename__ = "run_checkpoints"

    run_id: UUID = Field(primary_key=True, foreign_key="training_runs.id", ondelete="CASCADE")
    step: int = Field(primary_key=True)
    path: str = Field(max_length=500)  # relative to the home folder
    files: dict[str, Any] = json_field()  # name → {sha256, bytes}
    size_bytes: int = big_field()
    created_at: datetime = time_field()


class RunSample(SQLModel, table=True):
    """The same held-out prompt answered before and after."""

    __tablename__ = "run_samples"

    run_id: UUID = Field(primary_key=True, foreign_key="training_runs.id", ondelete="CASCADE")
    position: int = Field(primary_key=True)
    prompt: str = text_field()
    before: str = text_field()
    after: str | None = text_field(nullable=True)
    chosen: str = text_field()
    rejected: str = text_field()
