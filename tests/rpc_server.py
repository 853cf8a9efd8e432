"""An Ethereum node that answers by a script or asks a real one, and keeps what it heard."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self

CHAIN_ID: Final = 31337
GREETING: Final = {"eth_chainId": hex(CHAIN_ID)}


@dataclass(frozen=True)
class Refusal:
    """A JSON-RPC error to answer with."""

    code: int
    message: str
    data: Any = None


@dataclass(frozen=True)
class Reply:
    """A whole HTTP answer that is given instead of JSON-RPC."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


HANG: Final = Reply(status=0)
"""Take the request and say nothing."""
RESET: Final = Reply(status=-1)
"""Take the request and drop the connection."""

Script = Mapping[str, Any]
"""By method: a result, a Refusal, or a function of the parameters that gives one of them."""


class RpcServer:
    """A node at `url`, on a port of its own while it is entered.

    Every request is kept in `heard`, as the list of its JSON-RPC calls. The next requests get
    the `replies` in their order, then all of them `always` where it is set.
    """

    def __init__(self, script: Script | None = None, *, upstream: str | None = None) -> None:
        """Answer by a script, and with an upstream's URL everything else as that node does."""
        self.script = {**GREETING, **(script or {})} if upstream is None else dict(script or {})
        self.heard: list[list[dict[str, Any]]] = []
        self.replies: list[Reply] = []
        self.always: Reply | None = None
        self.refuses_batches: Reply | Refusal | None = None
        self.shuffles_batches = False
        self.closing = threading.Event()
        self._upstream = upstream
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def url(self) -> str:
        """The address of the endpoint."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def methods(self) -> list[str]:
        """Every method asked for, in order, whatever the batches were."""
        return [call["method"] for calls in self.heard for call in calls]

    def __enter__(self) -> Self:
        """Start to listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and let go of those who still wait."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def reply_to(self, body: bytes) -> Reply:
        """Work out the answer to one HTTP request."""
        asked = json.loads(body)
        calls = asked if isinstance(asked, list) else [asked]
        self.heard.append(calls)
        if self.replies:
            return self.replies.pop(0)
        if self.always is not None:
            return self.always
        if isinstance(asked, dict):
            return _json(self._answer(asked))
        if isinstance(self.refuses_batches, Reply):
            return self.refuses_batches
        if self.refuses_batches is not None:
            return _json({"jsonrpc": "2.0", "id": None, "error": _error(self.refuses_batches)})
        answers = [self._answer(call) for call in calls]
        return _json(answers[::-1] if self.shuffles_batches else answers)

    def _answer(self, call: Mapping[str, Any]) -> dict[str, Any]:
        head = {"jsonrpc": "2.0", "id": call["id"]}
        method = call["method"]
        if method not in self.script:
            if self._upstream is not None:
                return _ask(self._upstream, call)
            return {**head, "error": {"code": -32601, "message": f"no method {method}"}}
        scripted = self.script[method]
        result = scripted(call["params"]) if callable(scripted) else scripted
        if isinstance(result, Refusal):
            return {**head, "error": _error(result)}
        return {**head, "result": result}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                reply = server.reply_to(body)
                if reply is HANG:
                    server.closing.wait(30)
                if reply in (HANG, RESET):
                    _reset(self.connection)
                    self.close_connection = True
                    return
                self.send_response(reply.status)
                self.send_header("Content-Length", str(len(reply.body)))
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _json(answer: object) -> Reply:
    return Reply(body=json.dumps(answer).encode(), headers={"Content-Type": "application/json"})


def _error(refusal: Refusal) -> dict[str, Any]:
    error: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    return error if refusal.data is None else {**error, "data": refusal.data}


def _ask(url: str, call: Mapping[str, Any]) -> dict[str, Any]:
    host = url.removeprefix("http://")
    connection = HTTPConnection(host, timeout=30)
    try:
        connection.request("POST", "/", json.dumps(call), {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def _reset(connection: socket.socket) -> None:
    # Closed with unsent time 0, the peer sees a reset, not an orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def once(*results: Any) -> Callable[[Any], Any]:  # noqa: ANN401 - any JSON
    """Give the results one after the other, and the last one for ever."""
    waiting = list(results)
    return lambda _: waiting.pop(0) if len(waiting) > 1 else waiting[0]
