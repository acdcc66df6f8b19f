"""Rows of one whole loop, from an imported file to an experiment, for the tests of lineage; found again by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import Session

from core.lineage import Lineage
from core.tables import (
    Adapter,
    AgentFeedback,
    AgentFeedbackType,
    AnnotationType,
    Category,
    DatasetPair,
    Evaluation,
    ExampleType,
    ExpertAnnotation,
    Feedback,
    FeedbackKind,
    Import,
    Interaction,
    LabelChoice,
    LearningExample,
    LearningExperiment,
    MessageFeedbackType,
    PairChoice,
    PairEvaluation,
    PairLabel,
    PairOrigin,
    PairStatus,
    PreferencePair,
    Rating,
    Reward,
    RewardScale,
    RunPairScore,
    RunStatus,
    Severity,
    Side,
    SourceType,
    TrainingDataset,
    TrainingRun,
    TrainingType,
    TriageResult,
    now,
)

AGENT = "support"


@dataclass
class Loop:
    """Rows of one loop, written one after another; ``ids`` keeps them by name."""

    session: Session
    ids: dict[str, UUID] = field(default_factory=dict)

    def add(self, name: str, row: Any) -> UUID:
        self.session.add(row)
        self.session.flush()
        self.ids[name] = row.id
        return UUID(str(row.id))

    def imported(self, name: str = "import") -> UUID:
        file = {"filename": "a.csv", "sha256": "0" * 64, "format": "csv", "imported_by": "ada"}
        return self.add(name, Import(**file))

    def answer(self, name: str, **more: Any) -> UUID:
        texts = {"prompt": "q", "response": f"answer {name}", "prompt_key": "0" * 64, "source": "test"}
        return self.add(name, Interaction(agent_id=AGENT, **texts, **more))

    def said(self, name: str, about: UUID | None, kind: str = "thumbs_down", **more: Any) -> UUID:
        how = {"kind": FeedbackKind.CHAT_MESSAGE, "feedback_type": MessageFeedbackType(kind), "source": "test"}
        return self.add(name, Feedback(agent_id=AGENT, interaction_id=about, user_id=name, **how, **more))

    def read(self, name: str, feedback_id: UUID) -> UUID:
        reading = {"suggested_action": "Look at it.", "priority": 5, "confidence": 0.5, "reasoning": "r"}
        made_by = {"analyzer": "rules", "analyzer_version": "1"}
        kinds = {"category": Category.NOISE, "severity": Severity.LOW}
        return self.add(name, TriageResult(feedback_id=feedback_id, **reading, **made_by, **kinds))

    def judged(self, name: str, interaction_id: UUID) -> UUID:
        by = {"judge": "rule-based", "prompt_version": "1", "prompt_hash": "0" * 64}
        return self.add(
            name,
            Evaluation(interaction_id=interaction_id, agent_id=AGENT, overall_rating=Rating.DOWN, score=0.1, **by),
        )

    def rewarded(self, name: str, interaction_id: UUID) -> UUID:
        return self.add(name, Reward(interaction_id=interaction_id, agent_id=AGENT, scale=RewardScale.CHAT, value=0.0))

    def pair(self, name: str, good: UUID | None = None, bad: UUID | None = None, **more: Any) -> UUID:
        texts = {"prompt": f"q {name}", "answer_a": f"good {name}", "answer_b": f"bad {name}", "prompt_group": name}
        state = {"preferred": Side.A, "status": PairStatus.ACCEPTED, "content_key": name}
        state["origin"] = more.pop("origin", PairOrigin.RATING)
        sides = {"interaction_a_id": good, "interaction_b_id": bad}
        return self.add(name, PreferencePair(agent_id=AGENT, **texts, **state, **sides, **more))

    def label(self, name: str, pair_id: UUID, by: str = "bo", **more: Any) -> UUID:
        choice = more.pop("choice", LabelChoice.A)
        return self.add(
            name, PairLabel(pair_id=pair_id, annotator=by, choice=choice, left_side=Side.A, shown_ms=900, **more)
        )

    def dataset(self, name: str, *pairs: UUID) -> UUID:
        made = self.add(name, TrainingDataset(name=name, agent_ids=[AGENT], frozen_at=now()))
        for at, pair_id in enumerate(pairs):
            pair = self.session.get_one(PreferencePair, pair_id)
            turns = [{"role": "user", "content": pair.prompt}]
            texts = {"messages": turns, "chosen": pair.answer_a, "rejected": pair.answer_b, "prompt_group": "g"}
            self.session.add(DatasetPair(dataset_id=made, pair_id=pair_id, position=at, **texts))
        self.session.flush()
        return made

    def run(self, name: str, dataset_id: UUID) -> UUID:
        kinds = {"training_type": TrainingType.DPO, "status": RunStatus.COMPLETED}
        return self.add(name, TrainingRun(agent_id=AGENT, dataset_id=dataset_id, **kinds))

    def adapter(self, name: str, run_id: UUID, version: int = 1) -> UUID:
        made = {"base_model": "demo", "path": "p", "size_bytes": 1, "parameters": 1}
        return self.add(name, Adapter(run_id=run_id, agent_id=AGENT, version=version, **made))

    def scored(self, run_id: UUID, pair_id: UUID, before: float | None, after: float | None) -> None:
        self.session.add(RunPairScore(run_id=run_id, pair_id=pair_id, split="test", before=before, after=after))
        self.session.flush()

    def named(self, found: Lineage) -> dict[str, list[str]]:
        """What a walk found, by the names of the rows."""
        names = {row_id: name for name, row_id in self.ids.items()}
        return {kind.value: [names[row_id] for row_id in one.ids] for kind, one in found.found.items()}


def whole(loop: Loop, *, complaint: str | None = None) -> Loop:
    """One row of every kind, each made of the one before; the pair's praised answer is ``good``, the other ``bad``."""
    file = loop.imported()
    good, bad = loop.answer("good", import_id=file), loop.answer("bad")
    fault, praise = loop.said("complaint", bad, comment=complaint), loop.said("praise", good, "thumbs_up")
    loop.read("reading", fault)
    loop.judged("verdict", bad)
    loop.rewarded("reward", good)
    said = {"feedback_type": AgentFeedbackType.CORRECTION, "interaction_id": bad, "execution_id": "e"}
    execution = loop.add("execution", AgentFeedback(agent_id=AGENT, **said))
    source = {"source_type": SourceType.USER_FEEDBACK, "source_agent_feedback_id": execution}
    example = loop.add(
        "example",
        LearningExample(agent_id=AGENT, example_type=ExampleType.CORRECTION, expected_output="better", **source),
    )
    loop.add(
        "annotation",
        ExpertAnnotation(
            learning_example_id=example, expert_id="cy", annotation_type=AnnotationType.QUALITY_ASSESSMENT
        ),
    )
    pair = loop.pair("pair", good, bad, feedback_id=praise, learning_example_id=example)
    loop.label("label", pair)
    by = {"judge": "rule-based", "prompt_version": "1", "choice": PairChoice.A}
    loop.add("pair verdict", PairEvaluation(pair_id=pair, **by))
    adapter = loop.adapter("adapter", loop.run("run", loop.dataset("dataset", pair)))
    loop.add("experiment", LearningExperiment(agent_id=AGENT, treatment_adapter_id=adapter))
    return loop
