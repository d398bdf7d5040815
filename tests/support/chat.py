"""An OpenAI-compatible endpoint on the loopback, which answers as a test wants."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-very-secret-0123456789"


class Stub:
    """An endpoint on the loopback; `answer` is asked for status and body, `slowly` writes it itself."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answer: Callable[[dict[str, Any]], tuple[int, bytes]] = lambda asked: (500, b"")
        self.more: dict[str, str] = {}
        self.slowly: Callable[[Any], None] | None = None
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                stub.requests.append(asked)
                stub.headers.append(dict(self.headers))
                stub.paths.append(self.path)
                if stub.slowly is not None:
                    stub.slowly(self)
                    return
                status, body = stub.answer(asked)
                self.send_response(status)
                for name, value in stub.more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def said(*candidates: Any) -> tuple[int, bytes]:
    """Return a chat completion that proposes these."""
    return completion(json.dumps({"candidates": list(candidates)}))


def completion(text: Any) -> tuple[int, bytes]:
    return 200, json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
