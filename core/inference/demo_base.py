"""The embedded demo model: a tiny language model made here, from a fixed seed in a fixed number of steps.

In: the folder where models live. Out: an ordinary Hugging Face folder in it, named after the recipe, so that a
changed recipe or changed texts make another one. It knows the sample workspace's language, helpful and unhelpful
answers alike, and nothing else; it prefers neither. The same machine makes the same weights every time; another
processor or version of torch makes slightly different ones.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from core.inference.folder import DEMO
from core.inference.libraries import quiet_libraries
from core.sample.product import ASSETS, SITES
from core.sample.texts import demo_dialogues

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerFast

__all__ = ["DEMO", "RECIPE", "Recipe", "demo_base", "demo_folder"]

OnProgress = Callable[[int, int], None]
MARKER = "BUILT"  # the last file written: a folder without it is not finished
PAD, END, ROLES = "<|pad|>", "<|end|>", ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
WINDOW = 8  # batches among which dialogues are sorted by length, so that little is padding


@dataclass(frozen=True)
class Recipe:
    """Everything the weights depend on besides the texts."""

    version: int = 1  # of this file's procedure
    vocabulary: int = 1280
    hidden: int = 64
    layers: int = 2
    heads: int = 4
    intermediate: int = 192
    context: int = 1024
    steps: int = 1000
    batch: int = 8
    learning_rate: float = 7e-3
    warmup: int = 20
    initial_spread: float = 0.06
    misheard: float = 0.05  # share of a prompt's tokens replaced at random: other wordings must not throw it off
    missed: float = 0.15  # share left out
    seed: int = 0


RECIPE = Recipe()


@dataclass(frozen=True)
class _Dialogue:
    prompt: list[int]
    answer: list[int]  # with the end token


def demo_folder(models_dir: Path, recipe: Recipe = RECIPE) -> Path:
    """Where ``demo_base`` puts the model of that recipe, made or not."""
    texts = hashlib.sha256(json.dumps(_dialogues(recipe)).encode()).hexdigest()
    said = json.dumps({"recipe": asdict(recipe), "texts": texts, "chat": CHAT_TEMPLATE}, sort_keys=True)
    return models_dir / f"demo-base-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def demo_base(models_dir: Path, *, on_progress: OnProgress | None = None, recipe: Recipe = RECIPE) -> Path:
    """The folder of the demo model, made on first use (about 20 s on one core; ``on_progress(step, steps)``).

    Two processes make it once: the second waits. A making that was cut off is begun again.
    """
    folder = demo_folder(models_dir, recipe)
    if (folder / MARKER).is_file():
        return folder
    models_dir.mkdir(parents=True, exist_ok=True)
    unfinished = models_dir / f".{folder.name}.part"
    with FileLock(models_dir / f".{folder.name}.lock"):
        if (folder / MARKER).is_file():
            return folder
        try:
            for leftover in (unfinished, folder):
                shutil.rmtree(leftover, ignore_errors=True)
            unfinished.mkdir()
            _make(unfinished, recipe, on_progress or (lambda step, steps: None))
            (unfinished / MARKER).write_text(f"{folder.name}\n", encoding="utf-8")
            unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _dialogues(recipe: Recipe) -> list[tuple[str, str]]:
    return demo_dialogues(recipe.steps * recipe.batch)


def _make(folder: Path, recipe: Recipe, on_progress: OnProgress) -> None:
    quiet_libraries()
    texts = _dialogues(recipe)
    tokenizer = _tokenizer(texts, recipe)
    with _own_luck(recipe.seed):
        model = _model(tokenizer, recipe)
        _teach(model, tokenizer, texts, recipe, on_progress)
        model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(_readme(model.num_parameters(), len(texts), recipe), encoding="utf-8")


@contextmanager
def _own_luck(seed: int) -> Iterator[None]:
    """Random numbers from a seed, on one thread; the process's own go on afterwards where they were."""
    import torch

    torch.set_num_threads(1)  # sums in one order, and at this size faster than several
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(seed)
        yield


def _tokenizer(texts: list[tuple[str, str]], recipe: Recipe) -> PreTrainedTokenizerFast:
    """Byte-level BPE of the dialogues; any other text still has bytes."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=recipe.vocabulary,
        special_tokens=[PAD, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator((text for dialogue in texts for text in dialogue), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        model_max_length=recipe.context,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def _model(tokenizer: PreTrainedTokenizerFast, recipe: Recipe) -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        intermediate_size=recipe.intermediate,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.heads,
        max_position_embeddings=recipe.context,
        initializer_range=recipe.initial_spread,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return LlamaForCausalLM(config).float()


def _teach(
    model: Any,
    tokenizer: PreTrainedTokenizerFast,
    texts: list[tuple[str, str]],
    recipe: Recipe,
    on_progress: OnProgress,
) -> None:
    """Supervised steps on the answers' tokens; every dialogue is read once."""
    import torch

    rng = random.Random(recipe.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=recipe.learning_rate, betas=(0.9, 0.95), weight_decay=0.01, fused=True
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _pace(step, recipe))
    model.train()
    batches = _batches(_encoded(tokenizer, texts), recipe, rng)
    hear = _hearing(tokenizer, recipe, rng)
    for step, batch in enumerate(batches, 1):
        ids, targets = _tensors(batch, tokenizer, hear)
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
        wanted = targets[:, 1:] >= 0
        loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[wanted]), targets[:, 1:][wanted])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 10 == 0 or step == len(batches):
            on_progress(step, len(batches))
    model.eval()


def _pace(step: int, recipe: Recipe) -> float:
    """The share of the learning rate at a step: a short warm-up, then half a cosine down to a fiftieth."""
    fall = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))
    return min(1.0, (step + 1) / recipe.warmup) * fall


def _encoded(tokenizer: PreTrainedTokenizerFast, texts: list[tuple[str, str]]) -> list[_Dialogue]:
    prompts = tokenizer([prompt for prompt, _ in texts])["input_ids"]
    answers = tokenizer([answer for _, answer in texts])["input_ids"]
    return [
        _Dialogue(prompt, [*answer, tokenizer.eos_token_id]) for prompt, answer in zip(prompts, answers, strict=True)
    ]


def _batches(dialogues: list[_Dialogue], recipe: Recipe, rng: random.Random) -> list[list[_Dialogue]]:
    batches = []
    for start in range(0, len(dialogues), WINDOW * recipe.batch):
        window = dialogues[start : start + WINDOW * recipe.batch]
        window.sort(key=lambda dialogue: len(dialogue.prompt) + len(dialogue.answer))
        alike = [window[first : first + recipe.batch] for first in range(0, len(window), recipe.batch)]
        rng.shuffle(alike)
        batches += alike
    return batches


def _hearing(
    tokenizer: PreTrainedTokenizerFast, recipe: Recipe, rng: random.Random
) -> Callable[[list[int]], list[int]]:
    """A function that hears a prompt badly, but never a name: what the answer repeats stays whole."""
    names = [
        f"{before}{form}"
        for name in (*ASSETS, *SITES)
        for form in (name, name[0].upper() + name[1:])
        for before in ("", " ")
    ]
    kept = {token for ids in tokenizer(names)["input_ids"] for token in ids}
    first = 2 + len(ROLES)  # the special tokens are never heard

    def heard(prompt: list[int]) -> list[int]:
        ids = []
        for token in prompt:
            if token in kept or (luck := rng.random()) >= recipe.missed + recipe.misheard:
                ids.append(token)
            elif luck >= recipe.missed:
                ids.append(rng.randrange(first, len(tokenizer)))
        return ids

    return heard


def _tensors(
    batch: list[_Dialogue], tokenizer: PreTrainedTokenizerFast, hear: Callable[[list[int]], list[int]]
) -> tuple[Tensor, Tensor]:
    """(ids, targets) of shape [dialogues, tokens]; targets are -1 except on the answers."""
    import torch

    _, user, assistant = tokenizer.convert_tokens_to_ids(list(ROLES))
    before = [[user, *hear(dialogue.prompt), tokenizer.eos_token_id, assistant] for dialogue in batch]
    length = max(len(prompt) + len(dialogue.answer) for prompt, dialogue in zip(before, batch, strict=True))
    ids = torch.full((len(batch), length), tokenizer.pad_token_id)
    targets = torch.full((len(batch), length), -1)
    for row, (prompt, dialogue) in enumerate(zip(before, batch, strict=True)):
        end = len(prompt) + len(dialogue.answer)
        ids[row, :end] = torch.tensor(prompt + dialogue.answer)
        targets[row, len(prompt) : end] = torch.tensor(dialogue.answer)
    return ids, targets


def _readme(parameters: int, dialogues: int, recipe: Recipe) -> str:
    return (
        "# Demo model\n\n"
        f"A demo model with {parameters:,} parameters, trained on demo data only: {dialogues:,} made-up dialogues "
        "about a fictitious product, half of them with helpful answers, half with unhelpful ones. It was made on this "
        f"machine from a fixed seed in {recipe.steps:,} steps.\n\n"
        "It shows how training works. It knows nothing beyond those dialogues; do not use it for anything else.\n\n"
        f"```json\n{json.dumps(asdict(recipe), indent=2)}\n```\n"
    )
