"""Errors as JSON: ``{"error": sentence}`` and the code of rules section 12. No traceback, no driver message leaves.

A bad body answers 400 on these routes, with the sentence given; nothing was stored.
"""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from core.errors import (
    AlreadyDecided,
    HoneError,
    InputRejected,
    InvalidTransition,
    NotAllowed,
    NotFound,
    StoreBusy,
    StoreError,
)

_log = logging.getLogger(__name__)
CODES: tuple[tuple[type[HoneError], int], ...] = (
    (NotFound, 404),
    (NotAllowed, 403),
    (InvalidTransition, 409),
    (AlreadyDecided, 409),
    (InputRejected, 400),
    (StoreBusy, 503),
    (StoreError, 503),
)


class Refused(Exception):
    """A request that does not get as far as a route."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code, self.sentence = code, sentence

    def response(self) -> JSONResponse:
        headers = {"WWW-Authenticate": "Bearer"} if self.code == 401 else None
        return JSONResponse({"error": self.sentence}, status_code=self.code, headers=headers)


def code_of(error: HoneError) -> int:
    """The HTTP code of an error; 500 for one no route expects."""
    return next((code for kind, code in CODES if isinstance(error, kind)), 500)


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


def _sentence(_request: Request, error: HoneError) -> JSONResponse:
    code = code_of(error)
    headers = {"Retry-After": "2"} if isinstance(error, StoreBusy) else None
    return JSONResponse({"error": str(error)}, status_code=code, headers=headers)


def _refused(_request: Request, error: Refused) -> JSONResponse:
    return error.response()


def _bad_body(_request: Request, error: RequestValidationError) -> JSONResponse:
    return JSONResponse({"error": sentence_of(error.errors())}, status_code=400)


def _plain(_request: Request, error: HTTPException) -> JSONResponse:
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)


def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    _log.error("a route failed", exc_info=error)
    sentence = "Something went wrong on our side; nothing was stored. The server's log has the details."
    return JSONResponse({"error": sentence}, status_code=500)


def sentence_of(problems: Any) -> str:
    """The first problem of a body as one sentence; the offending value itself is not repeated."""
    first = problems[0]
    if first["type"] == "json_invalid":
        return "The body is no valid JSON; nothing was stored."
    if first["type"] == "model_attributes_type" or first["loc"] == ("body",):
        return "Send a JSON object with `Content-Type: application/json`; nothing was stored."
    where = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return f"{where}: {_readable(first['msg'])}; nothing was stored."


def _readable(message: str) -> str:
    words = message.removeprefix("Value error, ").removesuffix(".")
    return words[:1].lower() + words[1:]
