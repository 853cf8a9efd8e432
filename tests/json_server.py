"""An endpoint on the web that answers as it is told, well or badly, and keeps what it heard."""

import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class JsonServer:
    """A web server at `url`, on a port of its own while it is entered."""

    def __init__(self, body: str | bytes = "", status: int = 200) -> None:
        """Answer every request with this."""
        self.body = body
        self.status = status
        self.headers: Mapping[str, str] = {"Content-Type": "application/json"}
        self.drips = False
        """Give the body a byte at a time, and never come to its end."""
        self.heard: list[tuple[str, str, bytes]] = []
        self.closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._server.block_on_close = False

    @property
    def url(self) -> str:
        """The address, with a key in it that must never be shown."""
        return f"http://user:pass-word@127.0.0.1:{self._server.server_port}/price?key=SECRET-KEY"

    def __enter__(self) -> Self:
        """Start to listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and let go of those who still wait."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                server.heard.append((self.command, self.path, self.rfile.read(length)))
                body = server.body.encode() if isinstance(server.body, str) else server.body
                self.send_response(server.status)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                while server.drips and not server.closing.is_set():
                    self.wfile.write(b" ")
                    time.sleep(0.05)
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 the base class looks for this name

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler
