"""What was done with it, as lists: runs and their curves, adapters, long work.

Tracebacks and paths stay behind: the sentence that says what went wrong is there.
"""

from __future__ import annotations

from core.exporting.columns import TABLES, columns
from core.exporting.filters import exactly, one_of
from core.exporting.table import exported

_runs, _metrics, _adapters, _jobs = (TABLES[name] for name in ("training_runs", "run_metrics", "adapters", "jobs"))

LISTS = (
    exported(
        "runs",
        columns("training_runs", "id agent_id training_type base_model status phase outcome progress_percentage")
        + columns("training_runs", "current_step total_steps hyperparameters metrics best_metrics error requested_by")
        + columns("training_runs", "requires_review reviewed_by reviewed_at review_notes dataset_id started_at")
        + columns("training_runs", "completed_at created_at"),
        table="training_runs",
        dataset_id=exactly(_runs.c.dataset_id),
    ),
    exported(
        "run_metrics",
        columns("run_metrics", "run_id step epoch tokens elapsed_s loss reward_margin reward_accuracy chosen_reward")
        + columns("run_metrics", "rejected_reward chosen_logp rejected_logp entropy grad_norm learning_rate")
        + columns("training_runs", "agent_id dataset_id"),
        table="run_metrics",
        rows=_metrics.join(_runs, _runs.c.id == _metrics.c.run_id),
        order=(_metrics.c.run_id, _metrics.c.step),
        agent=exactly(_runs.c.agent_id),
        time=_runs.c.created_at,
        run_id=exactly(_metrics.c.run_id),
    ),
    exported(
        "adapters",
        columns("adapters", "id agent_id version base_model files size_bytes parameters status decided_by decided_at")
        + columns("adapters", "notes run_id")
        + columns("training_runs", "dataset_id")
        + columns("adapters", "created_at"),
        table="adapters",
        rows=_adapters.join(_runs, _runs.c.id == _adapters.c.run_id),
        run_id=exactly(_adapters.c.run_id),
    ),
    exported(
        "jobs",
        columns("jobs", "id kind resource status position attempt failures done total unit note result error")
        + columns("jobs", "requested_by subject_id created_at started_at progressed_at ended_at"),
        table="jobs",
        kind=one_of(_jobs.c.kind),
        subject_id=exactly(_jobs.c.subject_id),
    ),
)
