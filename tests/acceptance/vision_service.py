"""An OpenAI-compatible endpoint, on a real HTTP server, that answers as it is told to."""

from __future__ import annotations

import json
import threading
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

USAGE = {"prompt_tokens": 3000, "completion_tokens": 20, "total_tokens": 3020}


@dataclass
class Asked:
    """A request as it came in."""

    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def words(self) -> str:
        """What was said beside the pictures."""
        return str(self.body["messages"][1]["content"][2]["text"])

    @property
    def marks(self) -> list[dict[str, Any]]:
        """The marks on offer."""
        marks: list[dict[str, Any]] = json.loads(self.words.split("present screen: ")[1])
        return marks

    @property
    def pictures(self) -> list[NDArray[np.uint8]]:
        """The recorded screen and the present one."""
        parts = self.body["messages"][1]["content"][:2]
        raw = [b64decode(part["image_url"]["url"].removeprefix("data:image/png;base64,")) for part in parts]
        return [np.asarray(cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR), np.uint8) for each in raw]


@dataclass(frozen=True)
class Says:
    """A reply of the protocol: a message, or whatever else a server sends.

    Attributes:
        message: The fields of the message.
        raw: Sent instead, where given.
        status: Of the reply.
        headers: More of them.
    """

    message: dict[str, Any] = field(default_factory=dict)
    raw: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """What is sent."""
        reply = {"choices": [{"message": {"role": "assistant", **self.message}}], "usage": USAGE}
        return json.dumps(reply).encode() if self.raw is None else self.raw


@dataclass
class Service:
    """An endpoint that answers as it is told to, and remembers what it was asked.

    Attributes:
        answer: What it makes of a question. None: it never answers. Text: it sends that byte by byte, for ever.
        asked: All requests.
    """

    answer: Callable[[Asked], Says | str | None] = lambda _: Says({"content": '{"mark": 0}'})
    asked: list[Asked] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/v1"

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Take a request."""
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        self.asked.append(Asked({name.lower(): value for name, value in handler.headers.items()}, json.loads(body)))
        said = self.answer(self.asked[-1])
        if said is None:
            self.closing.wait()
        elif isinstance(said, str):
            handler.send_response(200)
            handler.end_headers()
            while not self.closing.wait(0.02):
                handler.wfile.write(said.encode())
        else:
            handler.send_response(said.status)
            for name, value in {"Content-Length": str(len(said.content)), **said.headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(said.content)


@contextmanager
def running() -> Iterator[Service]:
    """Keep an endpoint running."""
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Answer."""
            try:
                told.respond(self)
            except ConnectionError:
                self.close_connection = True  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield told
        told.closing.set()
        server.shutdown()
        thread.join()
