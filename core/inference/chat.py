"""Conversations as tokens, the same way for training, measuring and answering.

A model with a chat template gets its own template. One without is spoken to in plain text,

    User: <first message>
    Assistant: <answer>

with ``System:`` lines where there are system messages, so that every causal model can be trained. The plain prompt
ends with "Assistant:" and the answer begins with the space after it: tokenizers keep a word together with the space
before it, and a prompt that ended in a space would leave the model in a place it never sees in training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from core.errors import BaseModelRejected, InputRejected

_ROLES = {"system": "System", "user": "User", "assistant": "Assistant"}
_PLAIN_TURN = "\nUser:"

Message = Mapping[str, str]
Ids = tuple[int, ...]


@dataclass(frozen=True)
class EncodedPair:
    """Token ids: what both sides begin with, and how each goes on. ``shortened`` prompt tokens were merged away:
    the prompt alone is tokenized differently from the prompt followed by an answer."""

    prompt: Ids
    chosen: Ids
    rejected: Ids
    shortened: int = 0


class Chat:
    """Speaks to one tokenizer. Raises BaseModelRejected when the tokenizer has no end-of-text token."""

    def __init__(self, tokenizer: Any) -> None:
        if tokenizer.eos_token_id is None:
            raise BaseModelRejected("The model's tokenizer has no end-of-text token, so an answer could never end.")
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token  # only fills rows; the attention mask hides it
        self.tokenizer = tokenizer
        self.has_template = bool(tokenizer.chat_template)

    def prompt(self, messages: Sequence[Message]) -> Ids:
        """The conversation up to where the answer begins. Raises InputRejected when the template refuses it."""
        if self.has_template:
            return self._templated(self._turns(messages), answer_follows=True)
        ids = self._text(self._plain(messages))
        return ids[:-1] if ids and ids[-1] == self.tokenizer.eos_token_id else ids  # some add an end to every text

    def answered(self, messages: Sequence[Message], answer: str) -> tuple[Ids, int]:
        """The whole conversation with its answer, and how many of its first tokens are the prompt."""
        whole = self._whole(messages, answer)
        return whole, _common_prefix(self.prompt(messages), whole)

    def pair(self, messages: Sequence[Message], chosen: str, rejected: str) -> EncodedPair:
        """Both sides over one prompt, cut where they part from the prompt, as TRL cuts them."""
        prompt = self.prompt(messages)
        left, right = self._whole(messages, chosen), self._whole(messages, rejected)
        length = min(_common_prefix(prompt, left), _common_prefix(prompt, right))
        return EncodedPair(prompt[:length], left[length:], right[length:], shortened=len(prompt) - length)

    def example(self, messages: Sequence[Message], chosen: str, rejected: str) -> dict[str, Any]:
        """The pair as TRL's trainer takes it: conversational, or plain text (to which it adds the end token)."""
        if self.has_template:
            turns = self._turns(messages)
            return {"prompt": turns, "chosen": [self._said(chosen)], "rejected": [self._said(rejected)]}
        return {
            "prompt": self._plain(messages),
            "chosen": " " + self._literal(chosen),
            "rejected": " " + self._literal(rejected),
        }

    def decode(self, ids: Sequence[int]) -> str:
        """Generated tokens as the answer a person reads."""
        text = str(self.tokenizer.decode(list(ids), skip_special_tokens=True))
        return (text if self.has_template else text.split(_PLAIN_TURN)[0]).strip()

    def _whole(self, messages: Sequence[Message], answer: str) -> Ids:
        if self.has_template:
            return self._templated([*self._turns(messages), self._said(answer)], answer_follows=False)
        said = self._plain(messages) + " " + self._literal(answer)
        end = self.tokenizer.eos_token
        return self._text(said if said.endswith(end) else said + end)

    def _templated(self, turns: list[dict[str, str]], *, answer_follows: bool) -> Ids:
        from jinja2 import TemplateError

        try:
            encoded = self.tokenizer.apply_chat_template(
                turns, tokenize=True, return_dict=True, add_generation_prompt=answer_follows
            )
        except (TemplateError, ValueError, TypeError) as error:
            raise InputRejected(f"The model's chat template does not take this conversation: {error}") from error
        return tuple(encoded["input_ids"])

    def _text(self, text: str) -> Ids:
        return tuple(self.tokenizer(text=text)["input_ids"])

    def _turns(self, messages: Sequence[Message]) -> list[dict[str, str]]:
        if not messages:
            raise InputRejected("The conversation is empty, so there is nothing to answer.")
        unknown = {message.get("role", "") for message in messages} - _ROLES.keys()
        if unknown:
            raise InputRejected(f"A message has the role “{min(unknown)}”; known are system, user and assistant.")
        return [{"role": message["role"], "content": self._literal(message.get("content", ""))} for message in messages]

    def _plain(self, messages: Sequence[Message]) -> str:
        lines = [f"{_ROLES[turn['role']]}: {turn['content']}" for turn in self._turns(messages)]
        return "\n".join([*lines, "Assistant:"])

    def _said(self, answer: str) -> dict[str, str]:
        return {"role": "assistant", "content": self._literal(answer)}

    def _literal(self, text: str) -> str:
        """Foreign text never speaks the tokenizer's control words: ``<|im_end|>`` becomes ``< |im_end|>``."""
        for word in self._control_words:
            if word in text:
                text = text.replace(word, f"{word[0]} {word[1:]}")
        return text

    @cached_property
    def _control_words(self) -> tuple[str, ...]:
        added = self.tokenizer.added_tokens_decoder.values()
        words = {str(token) for token in added if token.special} | set(self.tokenizer.all_special_tokens)
        return tuple(sorted((word for word in words if len(word) > 2), key=len, reverse=True))


def _common_prefix(left: Ids, right: Ids) -> int:
    for position, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return position
    return min(len(left), len(right))
