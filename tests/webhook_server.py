"""A chat's incoming hook, as alerts are posted to it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


class Hook:
    """Keeps what is posted; answers with `status`, or not at all while it `hangs`."""

    def __init__(self) -> None:
        """Listen on a port of its own once it is entered."""
        self.posted: list[dict[str, Any]] = []
        self.status = 200
        self.hangs = False
        self._closing = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if hook.hangs:
                    hook._closing.wait(30)
                self.send_response(hook.status)
                self.end_headers()
                if hook.status == 200:
                    hook.posted.append(json.loads(body))
                self.wfile.write(b"ok")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T0/B0/secret"

    @property
    def changes(self) -> list[tuple[str, str]]:
        """Previous and new state of everything posted."""
        return [(one["previous"], one["state"]) for one in self.posted]

    def __enter__(self) -> Self:
        """Start to listen."""
        threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, and let go of those who still wait."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
