"""All tables, one file per step. Importing this package registers every one of them."""

from core.tables.adapters import ADAPTER_TRANSITIONS, Adapter, AdapterStatus
from core.tables.columns import new_id, now
from core.tables.datasets import (
    DATASET_TRANSITIONS,
    DatasetExample,
    DatasetKind,
    DatasetPair,
    DatasetStatus,
    Split,
    TrainingDataset,
)
from core.tables.evaluations import Evaluation, EvaluationReview, PairChoice, PairEvaluation, Rating
from core.tables.experiments import ExperimentDecision, ExperimentStatus, LearningExperiment
from core.tables.feedback import (
    IMPORT_TRANSITIONS,
    Feedback,
    FeedbackKind,
    FormType,
    Import,
    ImportReject,
    ImportStatus,
    Interaction,
    InteractionKind,
    MessageFeedbackType,
    Plan,
)
from core.tables.jobs import (
    ENDED_JOBS,
    JOB_TRANSITIONS,
    IdempotencyKey,
    Job,
    JobCommand,
    JobEvent,
    JobStatus,
    Worker,
)
from core.tables.learning import (
    AgentFeedback,
    AgentFeedbackType,
    AnnotationType,
    EmbeddingLabel,
    EmbeddingTrainingPair,
    ExampleType,
    ExpertAnnotation,
    LearningExample,
    ReviewStatus,
    SourceType,
)
from core.tables.pairs import (
    PAIR_TRANSITIONS,
    LabelChoice,
    PairLabel,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Side,
)
from core.tables.rewards import Reward, RewardScale
from core.tables.runs import (
    RUN_TRANSITIONS,
    TERMINAL_RUNS,
    Moment,
    RunCheckpoint,
    RunEvaluation,
    RunEvent,
    RunMetric,
    RunOutcome,
    RunPairScore,
    RunPhase,
    RunSample,
    RunStatus,
    TrainingRun,
    TrainingType,
)
from core.tables.staging import (
    STAGED,
    STAGED_FEEDBACK,
    STAGED_INTERACTIONS,
    STAGED_LABELS,
    STAGED_PAIRS,
    STAGED_VERDICTS,
)
from core.tables.triage import (
    TRIAGE_TRANSITIONS,
    Category,
    Severity,
    TriageQueue,
    TriageResult,
    TriageStatus,
    TriageVerdict,
)
