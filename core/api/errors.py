"""Errors as JSON: ``{"error": sentence}`` and the code of rules section 12. No traceback, no driver message leaves.

A bad body answers 400, on the learning routes 422, with the sentence given; nothing was stored. The chat routes
give the sentence as ``detail`` too, the name their first callers read.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from core import untrusted
from core.errors import (
    AlreadyDecided,
    CannotStart,
    DatasetChanged,
    HoneError,
    InputRejected,
    InvalidTransition,
    NotAllowed,
    NotFound,
    StoreBusy,
    StoreError,
    StoreFull,
)

_log = logging.getLogger(__name__)
CODES: tuple[tuple[type[HoneError], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (InvalidTransition, 409),
    (AlreadyDecided, 409),
    (CannotStart, 409),
    (DatasetChanged, 409),
    (InputRejected, 400),
    (StoreBusy, 503),
    (StoreFull, 507),
    (StoreError, 503),
)
PLAIN = {
    404: "There is no such route; /api/docs lists them all.",
    405: "This route does not take that method; /api/docs says which it takes. Nothing was stored.",
}
UNREADABLE = "The body cannot be read; nothing was stored. Send valid JSON."
_FRAMEWORKS = "There was an error parsing the body"  # for what its JSON reader did not foresee, such as deep nesting
_LONGEST = 500  # of a sentence that repeats a name from the body


class Refused(Exception):
    """A request that does not get as far as a route."""

    def __init__(self, code: int, sentence: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence
        self.headers = dict(headers or {}) or ({"WWW-Authenticate": "Bearer"} if code == 401 else None)

    def response(self) -> JSONResponse:
        return JSONResponse({"error": self.sentence}, status_code=self.code, headers=self.headers)


def code_of(error: HoneError) -> int:
    """The HTTP code of an error; 500 for one no route expects."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 500)


def route_path(scope: Mapping[str, Any]) -> str:
    """The path as the routes name it, without the place where they are mounted: ``/v1/interactions``."""
    return str(scope.get("path", "")).removeprefix(str(scope.get("root_path", "")))


def install(api: FastAPI) -> None:
    """Let ``api`` answer every error in this shape."""
    handlers: dict[type[Exception], Any] = {
        HoneError: _sentence,
        Refused: _refused,
        RequestValidationError: _bad_body,
        HTTPException: _plain,
        Exception: _unexpected,
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _answer(request: Request, code: int, sentence: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body = {"error": sentence}
    if route_path(request.scope).startswith("/v1/chat/"):
        body["detail"] = sentence
    return JSONResponse(body, status_code=code, headers=headers)


def _sentence(request: Request, error: HoneError) -> JSONResponse:
    code = _bad(request) if isinstance(error, InputRejected) else code_of(error)
    return _answer(request, code, str(error), {"Retry-After": "2"} if isinstance(error, StoreBusy) else None)


def _refused(request: Request, error: Refused) -> JSONResponse:
    return _answer(request, error.code, error.sentence, error.headers)


def _bad_body(request: Request, error: RequestValidationError) -> JSONResponse:
    return _answer(request, _bad(request), sentence_of(error.errors()))


def _plain(request: Request, error: HTTPException) -> JSONResponse:
    if error.detail == _FRAMEWORKS:
        return _answer(request, _bad(request), UNREADABLE)
    sentence = PLAIN.get(error.status_code, str(error.detail))
    return _answer(request, error.status_code, sentence, error.headers)


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    _log.error("a route failed", exc_info=error)
    sentence = "Something went wrong on our side; nothing was stored. The server's log has the details."
    return JSONResponse({"error": sentence}, status_code=500)


def _bad(request: Request) -> int:
    """What a bad body answers on this route (rules section 12)."""
    return 422 if route_path(request.scope).startswith("/learning") else 400


def sentence_of(problems: Any) -> str:
    """The first problem of a body as one sentence; the offending value itself is not repeated."""
    first = problems[0]
    if first["type"] == "json_invalid":
        return "The body is no valid JSON; nothing was stored."
    if first["type"] == "value_error" and len(first["loc"]) == 1:
        return f"{first['msg'].removeprefix('Value error, ').capitalize()}; nothing was stored."
    if first["type"] == "string_unicode" and len(first["loc"]) == 1:
        return "The name of a field is no valid text; nothing was stored."
    if first["type"] == "model_attributes_type" or first["loc"] == ("body",):
        return "Send a JSON object with `Content-Type: application/json`; nothing was stored."
    where = ".".join(_name(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return f"{where[:_LONGEST]}: {_readable(first['msg'])}; nothing was stored."


def _name(part: object) -> str:
    """A field's name as it may stand in a sentence: an unknown one was written by whoever sent the body."""
    return untrusted.visible(untrusted.clean(str(part)[:100], limit=400))


def _readable(message: str) -> str:
    words = message.removeprefix("Value error, ").removesuffix(".")
    return words[:1].lower() + words[1:]
