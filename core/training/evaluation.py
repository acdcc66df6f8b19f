"""Does the model prefer what people prefer? Log-probabilities in, counts with intervals out.

A pair counts as right when the chosen answer is the more likely one: log p(chosen) > log p(rejected), each the
*sum* over the answer's tokens, a tie being wrong. Sums, because that is what DPO trains (its reward is
β·(log π − log π_ref) of whole answers) and what "more likely" means; a mean over tokens would measure something
the loss does not move. The price is that longer answers are less likely as such, so the accuracy *before* training
carries the data's length bias; only the change between before and after speaks about learning, and
``correct_per_token`` shows the count by means beside it.

TRL's own ``rewards/accuracies`` cannot serve as "before": rewards are all zero there, and every pair a tie.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from core.inference.chat import EncodedPair
from core.inference.local import LocalModel


@dataclass(frozen=True)
class Accuracy:
    """Preference accuracy on n pairs with its Wilson 95 % interval; margins are in nats a pair."""

    n: int
    correct: int
    accuracy: float
    low: float
    high: float
    mean_margin: float  # mean of log p(chosen) − log p(rejected)
    preference_loss: float | None = None  # the gate's value
    correct_per_token: int | None = None  # the same count by mean log-probability a token


@dataclass(frozen=True)
class Scores:
    """Summed log-probabilities of both sides of some pairs, in nats, with the answers' lengths in tokens."""

    chosen: tuple[float, ...]
    rejected: tuple[float, ...]
    chosen_tokens: tuple[int, ...] = ()
    rejected_tokens: tuple[int, ...] = ()

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.chosen + other.chosen,
            self.rejected + other.rejected,
            self.chosen_tokens + other.chosen_tokens,
            self.rejected_tokens + other.rejected_tokens,
        )

    @property
    def finite(self) -> bool:
        return all(map(math.isfinite, self.chosen + self.rejected))

    @property
    def margins(self) -> list[float]:
        """log p(chosen) − log p(rejected) of each pair, in nats; above zero the pair is right."""
        return [c - r for c, r in zip(self.chosen, self.rejected, strict=True)]


def score_pairs(model: LocalModel, pairs: Sequence[EncodedPair], *, between: Callable[[], None]) -> Scores:
    """Both sides of every pair under the model as it stands."""
    sides = [(pair.prompt + side, len(pair.prompt)) for pair in pairs for side in (pair.chosen, pair.rejected)]
    sums = model.score(sides, between=between)
    lengths = [len(ids[: model.max_length]) - start for ids, start in sides]
    return Scores(tuple(sums[::2]), tuple(sums[1::2]), tuple(lengths[::2]), tuple(lengths[1::2]))


def accuracy(scores: Scores, *, reference: Scores | None = None, beta: float | None = None) -> Accuracy:
    """How often, and by how much, the chosen side is the more likely one.

    With ``reference`` (the base model's scores of the same pairs) and ``beta`` also the preference loss.
    Raises ValueError for no pairs: an accuracy of nothing is not 0.
    """
    n = len(scores.chosen)
    if n == 0:
        raise ValueError("no pairs to measure")
    margins = scores.margins
    correct = sum(margin > 0 for margin in margins)
    low, high = wilson(correct, n)
    return Accuracy(
        n=n,
        correct=correct,
        accuracy=correct / n,
        low=low,
        high=high,
        mean_margin=fmean(margins),
        preference_loss=preference_loss(scores, reference, beta=beta) if reference and beta else None,
        correct_per_token=_correct_per_token(scores) if scores.chosen_tokens else None,
    )


def preference_loss(policy: Scores, reference: Scores, *, beta: float) -> float:
    """The mean of −log σ(β·((log π_c − log π_ref,c) − (log π_r − log π_ref,r))): DPO's loss (Rafailov et al., 2023,
    equation 7) without whatever else a run adds to it. ln 2 while the policy is the reference."""
    rows = zip(policy.chosen, reference.chosen, policy.rejected, reference.rejected, strict=True)
    return fmean(_softplus(-beta * ((pc - rc) - (pr - rr))) for pc, rc, pr, rr in rows)


def wilson(correct: int, n: int) -> tuple[float, float]:
    """Wilson score interval for a proportion, 95 %."""
    from scipy.stats import binomtest

    interval = binomtest(correct, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _correct_per_token(scores: Scores) -> int:
    chosen = (total / max(1, n) for total, n in zip(scores.chosen, scores.chosen_tokens, strict=True))
    rejected = (total / max(1, n) for total, n in zip(scores.rejected, scores.rejected_tokens, strict=True))
    return sum(c > r for c, r in zip(chosen, rejected, strict=True))


def _softplus(x: float) -> float:
    """log(1 + eˣ) = −log σ(−x), without overflow."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
