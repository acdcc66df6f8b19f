"""A causal language model from a folder, with or without an adapter: text in, text or log-probabilities out.

Loading reads safetensors and JSON only. On a GPU the weights are bf16, on a CPU fp32 with one thread (two share a
busy machine badly). Answers are greedy unless a temperature is given; sampling never touches torch's global random
state, so a person may try a model while another one trains. Log-probabilities are sums over the answer, in nats.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import BaseModelRejected, InputRejected
from core.inference.chat import Chat, Ids, Message
from core.inference.folder import inspect_folder
from core.inference.libraries import quiet_libraries

Between = Callable[[], None]
"""Called between batches and tokens; raise from it to stop."""

_LOADING = threading.Lock()  # transformers changes torch's default dtype for the whole process while it loads
_NUMBERS_AT_ONCE = 2**26  # logits of one batch: rows x tokens x vocabulary, 256 MiB in fp32
_TOKENS_AT_ONCE = 8192
_PROMPTS_AT_ONCE = 16
_ADAPTER_KEYS = (  # what an adapter's file may decide; anything else in it is ignored
    "r",
    "lora_alpha",
    "target_modules",
    "fan_in_fan_out",
    "use_rslora",
    "rank_pattern",
    "alpha_pattern",
)


def _nothing() -> None:
    return None


def torch_dtype_and_device(device: str = "auto") -> tuple[Any, str]:
    """(dtype, device) for this machine: cuda with bf16 where there is one that has it, else cpu with fp32.

    On a CPU torch is set to one thread, for the whole process.
    """
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda"):
        return (torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32), device
    torch.set_num_threads(1)
    return torch.float32, device


def load_base(folder: Path, *, device: str = "auto") -> tuple[Any, Any, str]:
    """(model, tokenizer, device) of a base folder, in evaluation mode. Raises BaseModelRejected."""
    inspect_folder(folder)
    quiet_libraries()
    from transformers import AutoModelForCausalLM, AutoTokenizer

    dtype, device = torch_dtype_and_device(device)
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        with _LOADING:
            tokenizer = AutoTokenizer.from_pretrained(str(folder), **local)
            model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, use_safetensors=True, **local)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError) as error:
        if "out of memory" in str(error).lower():
            raise
        raise BaseModelRejected(
            f"The model in “{folder.name}” could not be loaded ({type(error).__name__}): its files do not fit "
            "together, or its kind is not known here. Copy the folder again, or choose another model."
        ) from error
    rows = model.get_input_embeddings().num_embeddings
    if len(tokenizer) > rows:
        raise BaseModelRejected(
            f"The tokenizer in “{folder.name}” knows {len(tokenizer):,} tokens, the model only {rows:,}: "
            "they do not belong together."
        )
    return model.to(device).eval(), tokenizer, device


class LocalModel:
    """One loaded model. Not for two threads at once."""

    def __init__(self, model: Any, tokenizer: Any, *, device: str, max_length: int | None = None) -> None:
        """``max_length``: longest sequence, in tokens, that is read; the model's own limit when that is shorter."""
        self.model, self.device = model, device
        self.chat = Chat(tokenizer)
        limits = [n for n in (max_length, getattr(model.config, "max_position_embeddings", None)) if n]
        self.max_length: int | None = min(limits) if limits else None

    @classmethod
    def load(cls, folder: Path, adapter: Path | None = None, device: str = "auto") -> LocalModel:
        """The model of a base folder, with the adapter on top when one is named.

        Raises BaseModelRejected for a folder that cannot be used, or an adapter that does not fit the base.
        """
        model, tokenizer, device = load_base(folder, device=device)
        if adapter is not None:
            model = _with_adapter(model, adapter).to(device).eval()
        return cls(model, tokenizer, device=device)

    def generate(
        self,
        conversations: Sequence[Sequence[Message]],
        *,
        max_new_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        between: Between = _nothing,
    ) -> list[str]:
        """One answer to each conversation, in their order, of at most ``max_new_tokens`` tokens.

        Raises InputRejected when a conversation and its answer do not fit into the model's window.
        """
        prompts = [self.chat.prompt(messages) for messages in conversations]
        longest = max((len(ids) for ids in prompts), default=0)
        if self.max_length is not None and longest + max_new_tokens > self.max_length:
            raise InputRejected(
                f"The conversation has {longest:,} tokens and the answer may have {max_new_tokens:,}; "
                f"this model reads {self.max_length:,}. Shorten one of them."
            )
        answers = [""] * len(prompts)
        for batch in _batches(prompts, rows=_PROMPTS_AT_ONCE, tokens=_TOKENS_AT_ONCE):
            between()
            texts = self._continue([prompts[i] for i in batch], max_new_tokens, temperature, seed + batch[0], between)
            for position, text in zip(batch, texts, strict=True):
                answers[position] = text
        return answers

    def log_probs(self, conversations: Sequence[Sequence[Message]], answers: Sequence[str]) -> list[float]:
        """log p(answer | conversation) in nats: the sum over the answer's tokens, its end token among them."""
        return self.score([self.chat.answered(c, a) for c, a in zip(conversations, answers, strict=True)])

    def score(self, sequences: Sequence[tuple[Ids, int]], *, between: Between = _nothing) -> list[float]:
        """Summed log-probability of each sequence's tokens from its given position on, in nats.

        ``sequences``: (token ids, number of tokens that are only read). Longer ones are cut at ``max_length``.
        """
        cut = [(ids[: self.max_length], start) for ids, start in sequences]
        vocabulary = self.model.get_input_embeddings().num_embeddings
        tokens = max(1, min(_TOKENS_AT_ONCE, _NUMBERS_AT_ONCE // vocabulary))
        totals = [0.0] * len(cut)
        for batch in _batches([ids for ids, _ in cut], rows=len(cut), tokens=tokens):
            between()
            for position, total in zip(batch, self._sums([cut[i] for i in batch]), strict=True):
                totals[position] = total
        return totals

    @contextmanager
    def base_only(self) -> Iterator[None]:
        """Inside, the model answers without its adapter."""
        if not hasattr(self.model, "disable_adapter"):
            yield
            return
        with self.model.disable_adapter():
            yield

    def _sums(self, rows: Sequence[tuple[Ids, int]]) -> list[float]:
        import torch

        width = max(len(ids) for ids, _ in rows)
        ids = torch.full((len(rows), width), self.chat.tokenizer.pad_token_id, dtype=torch.long)
        attention = torch.zeros((len(rows), width), dtype=torch.long)
        scored = torch.zeros((len(rows), width), dtype=torch.bool)
        for row, (tokens, start) in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            attention[row, : len(tokens)] = 1
            scored[row, max(start, 1) : len(tokens)] = True  # nothing predicts the very first token
        ids, attention, scored = ids.to(self.device), attention.to(self.device), scored.to(self.device)[:, 1:]
        with torch.no_grad():
            self.model.eval()
            logits = self.model(input_ids=ids, attention_mask=attention, use_cache=False).logits
            logits = logits[:, :-1][scored].float()  # only the answers' positions: (tokens, vocabulary)
            wanted = logits.gather(1, ids[:, 1:][scored].unsqueeze(1)).squeeze(1) - logits.logsumexp(1)
            sums = torch.zeros(scored.shape, device=self.device).masked_scatter(scored, wanted).double().sum(1)
        return [float(value) for value in sums.tolist()]

    def _continue(
        self, prompts: Sequence[Ids], max_new_tokens: int, temperature: float, seed: int, between: Between
    ) -> list[str]:
        import torch
        from transformers import GenerationConfig

        width = max(len(ids) for ids in prompts)
        tokenizer = self.chat.tokenizer
        ids = torch.full((len(prompts), width), tokenizer.pad_token_id, dtype=torch.long)
        attention = torch.zeros((len(prompts), width), dtype=torch.long)
        for row, tokens in enumerate(prompts):  # on the left: every answer starts at the same column
            ids[row, width - len(tokens) :] = torch.tensor(tokens)
            attention[row, width - len(tokens) :] = 1
        plan = GenerationConfig(
            max_new_tokens=max_new_tokens,
            do_sample=False,
            num_beams=1,
            repetition_penalty=1.0,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=self._ends(),
        )
        with torch.no_grad():
            self.model.eval()
            written = self.model.generate(
                input_ids=ids.to(self.device),
                attention_mask=attention.to(self.device),
                generation_config=plan,
                logits_processor=[_Gumbel(temperature, seed, self.device)] if temperature > 0 else [],
                stopping_criteria=[_Asking(between)],
            )
        return [self.chat.decode(row) for row in written[:, width:].tolist()]

    def _ends(self) -> list[int]:
        """The tokens that end an answer: the tokenizer's and those the model's own configuration names."""
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ends = named if isinstance(named, list) else [named]
        return sorted({self.chat.tokenizer.eos_token_id, *(end for end in ends if end is not None)})


class _Gumbel:
    """Sampling at a temperature as a greedy choice: the largest of logits / T + Gumbel noise is a sample of
    softmax(logits / T). The noise has its own generator, which ``generate``'s sampling does not offer."""

    def __init__(self, temperature: float, seed: int, device: str) -> None:
        import torch

        self._temperature = temperature
        self._generator = torch.Generator(device).manual_seed(seed)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        noise = scores.new_empty(scores.shape).exponential_(generator=self._generator).clamp_min(1e-20).log()
        return scores / self._temperature - noise


class _Asking:
    """Looks up after every token whether somebody wants generation to stop."""

    def __init__(self, between: Between) -> None:
        self._between = between

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        self._between()
        return input_ids.new_zeros(input_ids.shape[0], dtype=bool)


def _batches(sequences: Sequence[Ids], *, rows: int, tokens: int) -> Iterator[list[int]]:
    """Positions in groups of like length, each with at most ``rows`` rows and ``tokens`` padded tokens."""
    batch: list[int] = []
    for position in sorted(range(len(sequences)), key=lambda i: len(sequences[i])):
        padded = (len(batch) + 1) * max(1, len(sequences[position]))
        if batch and (len(batch) == rows or padded > tokens):
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def _with_adapter(model: Any, folder: Path) -> Any:
    """The model with a LoRA adapter's weights. Two files are read, adapter_config.json and the safetensors."""
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / name).is_file():
            raise BaseModelRejected(f"The adapter is incomplete: {name} is missing. Nothing else in it was opened.")
    try:
        stored = json.loads((folder / "adapter_config.json").read_bytes())
        if stored.get("peft_type") != "LORA":
            raise ValueError("not a LoRA adapter")
        known = {key: stored[key] for key in _ADAPTER_KEYS if stored.get(key) is not None}
        adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **known))
        weights = load_file(folder / "adapter_model.safetensors")
        loaded = set_peft_model_state_dict(adapted, weights)
        missing = [key for key in loaded.missing_keys if "lora_" in key]
        if missing or loaded.unexpected_keys:
            raise ValueError("weights do not match")
    except Exception as error:  # safetensors, peft and torch each have their own kinds
        raise BaseModelRejected(
            f"The adapter does not fit this base model ({type(error).__name__}). Choose the base it was trained on."
        ) from error
    return adapted
