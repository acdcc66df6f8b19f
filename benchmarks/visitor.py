"""A browser session without a browser: one websocket, the messages Streamlit's own page sends, and nothing drawn.

    async with Visitor(address) as visitor:
        await visitor.open("pairs")
        await visitor.press("Left is better")     # until the server has answered, with other buttons than before

It sends what a page's fragments ask to be sent every few seconds, as a browser does. What the server says is kept
only as far as a click needs it: the buttons, and the words of titles.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

PATIENCE_S = 60.0
_BEGINS_AGAIN = 2  # ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass(frozen=True)
class Button:
    """A button as the server drew it last."""

    id: str
    label: str
    fragment_id: str


@dataclass
class Visitor:
    """One open session. Not shared between tasks."""

    address: str
    buttons: dict[str, Button] = field(default_factory=dict)  # by label
    texts: list[str] = field(default_factory=list)  # headings and plain texts since the last whole run
    runs: int = 0  # scripts and fragments that ended
    own_reruns: int = 0  # of them, asked for by the page itself
    headers: dict[str, str] = field(default_factory=dict)
    _page: str = ""
    _query: str = ""

    async def __aenter__(self) -> Self:
        from websockets.asyncio.client import connect

        url = self.address.replace("http", "ws", 1) + "/_stcore/stream"
        asked: Any = {"subprotocols": ["streamlit"], "additional_headers": self.headers}
        self._socket = await connect(url, max_size=None, ping_timeout=None, **asked)
        self._ended = asyncio.Event()
        self._beats: dict[str, asyncio.Task[None]] = {}
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_error: object) -> None:
        for task in (*self._beats.values(), self._reader):
            task.cancel()
        with suppress(Exception):
            await self._socket.close()

    async def open(self, page: str = "", *, query: str = "") -> float:
        """Visit a page by its address; the seconds until its script has ended."""
        self._page, self._query = page, query
        self.texts.clear()
        runs = self.runs
        began = time.monotonic()
        await self._rerun()
        await self._until(lambda: self.runs > runs)
        return time.monotonic() - began

    async def press(self, label: str, *, patience_s: float = PATIENCE_S) -> float:
        """Press a button; the seconds until a script has ended after which it is another button.

        Raises TimeoutError.
        """
        pressed, runs = self.buttons[label], self.runs
        began = time.monotonic()
        await self._rerun(pressed.fragment_id, pressed=pressed.id)
        await self._until(lambda: self.runs > runs and self.buttons.get(label) != pressed, patience_s)
        return time.monotonic() - began

    async def _until(self, holds: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        async with asyncio.timeout(patience_s):
            while not holds():
                if self._reader.done():
                    raise ConnectionError("the server closed the session")
                self._ended.clear()
                await self._ended.wait()

    async def _rerun(self, fragment_id: str = "", *, pressed: str = "", by_itself: bool = False) -> None:
        from streamlit.proto.BackMsg_pb2 import BackMsg

        message = BackMsg()
        asked = message.rerun_script
        asked.page_name, asked.query_string = self._page, self._query
        asked.fragment_id, asked.is_auto_rerun = fragment_id, by_itself
        asked.context_info.timezone = "UTC"
        asked.context_info.url = f"{self.address}/{self._page}?{self._query}"
        if pressed:
            asked.widget_states.widgets.add(id=pressed, trigger_value=True)
        await self._socket.send(message.SerializeToString())

    async def _read(self) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        try:
            async for raw in self._socket:
                message = ForwardMsg()
                message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
                self._hear(message)
        finally:
            self._ended.set()

    def _hear(self, message: Any) -> None:
        kind = message.WhichOneof("type")
        if kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._see(message.delta)
        elif kind == "auto_rerun":
            self._beat(message.auto_rerun)
        elif kind == "stop_auto_rerun":
            self._stop_beating()
        elif kind == "script_finished" and message.script_finished != _BEGINS_AGAIN:
            self.runs += 1
            self._ended.set()

    def _see(self, delta: Any) -> None:
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.label] = Button(element.button.id, element.button.label, delta.fragment_id)
        elif kind in ("heading", "text", "markdown"):
            self.texts.append(getattr(element, kind).body)

    def _beat(self, asked: Any) -> None:
        """A fragment that wants to be drawn again every so often."""
        if asked.fragment_id not in self._beats:
            self._beats[asked.fragment_id] = asyncio.create_task(self._every(asked.interval, asked.fragment_id))

    async def _every(self, interval_s: float, fragment_id: str) -> None:
        while True:
            await asyncio.sleep(interval_s)
            self.own_reruns += 1
            await self._rerun(fragment_id, by_itself=True)

    def _stop_beating(self) -> None:
        for task in self._beats.values():
            task.cancel()
        self._beats = {}
