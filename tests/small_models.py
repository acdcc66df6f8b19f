"""Tiny model folders, made on the spot: different architectures, tokenizers and chat templates, random weights.

Each is built the same way every time, in well under a second, and is saved like any Hugging Face model. Nothing is
downloaded. They write gibberish; they are here because real folders differ in exactly these ways.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TEXTS = [
    "How do I reset my password? Open the settings, choose security, then press reset.",
    "Where is my invoice? You will find every invoice under billing, newest first.",
    "The app is slow today. We are sorry about that, a fix goes out this evening.",
    "User: hello\nAssistant: hello, what can I do for you?",
    "system user assistant question answer thanks please yes no",
]

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
BRACKETS = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('no system messages') }}{% endif %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]"
    "{% else %} {{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)


def qwen3(folder: Path) -> Path:
    """Qwen3 (rotary positions, grouped heads), byte-level BPE, ChatML with a system role."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = _byte_level(end="<|im_end|>", extra=["<|im_start|>", "<|pad|>"], pad="<|pad|>", template=CHATML)
    config = Qwen3Config(
        vocab_size=len(tokenizer) + 6,  # real models have spare rows
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        max_position_embeddings=256,
        tie_word_embeddings=True,
    )
    return _save(Qwen3ForCausalLM, config, tokenizer, folder)


def gpt2(folder: Path) -> Path:
    """GPT-2 (learned positions, turned weights, dropout), unigram pieces, bracket template without a system role,
    no padding token, none of the usual module names."""
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = _unigram(template=BRACKETS)
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=24, n_layer=2, n_head=2, n_positions=128)
    return _save(GPT2LMHeadModel, config, tokenizer, folder)


def llama_plain(folder: Path) -> Path:
    """Llama with a beginning-of-text token and no chat template, as plain base models come."""
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _byte_level(end="</s>", extra=["<s>"], begin="<s>")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    return _save(LlamaForCausalLM, config, tokenizer, folder)


def _save(kind: Any, config: Any, tokenizer: Any, folder: Path) -> Path:
    import torch

    config.bos_token_id, config.eos_token_id = tokenizer.bos_token_id, tokenizer.eos_token_id
    config.pad_token_id = tokenizer.pad_token_id
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = kind(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _byte_level(
    *, end: str, extra: list[str], pad: str | None = None, begin: str | None = None, template: str | None = None
) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    pieces = Tokenizer(models.BPE())
    pieces.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = [end, *extra]
    trainer = trainers.BpeTrainer(
        vocab_size=360, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    pieces.train_from_iterator(_texts(), trainer)
    if begin is not None:
        pieces.post_processor = processors.TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, pieces.token_to_id(begin))]
        )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=pieces,
        eos_token=end,
        pad_token=pad,
        bos_token=begin,
        extra_special_tokens=[token for token in extra if token not in (pad, begin)],
    )
    tokenizer.chat_template = template
    return tokenizer


def _unigram(*, template: str) -> Any:
    """Whole words and single characters with fixed scores: the library's trainer is not deterministic."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({f"▁{word}" for text in TEXTS for word in text.split()})
    characters = sorted({character for character in string.printable if not character.isspace()} | {"▁"})
    vocabulary = [("<unk>", -20.0), ("<end>", -20.0)]
    vocabulary += [(word, -4.0) for word in words] + [(character, -8.0) for character in characters]
    pieces = Tokenizer(models.Unigram(vocabulary, unk_id=0))
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces, unk_token="<unk>", eos_token="<end>")
    tokenizer.chat_template = template
    return tokenizer


def _texts() -> Iterator[str]:
    for _ in range(20):
        yield from TEXTS
