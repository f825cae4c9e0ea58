"""A real HTTP proxy on 127.0.0.1 for tests: it forwards GET and tunnels CONNECT, and knows hosts that have no address here.

with Proxy({"tables.invalid": server.port}) as proxy:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert proxy.asked == ["CONNECT tables.invalid:443"]
"""

import select
import socket
import threading
from collections.abc import Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit


class Proxy:
    """`hosts` are the names that it can reach, each with a port of this machine; it answers 502 for any other, or `status` for
    all where that is given.
    """

    def __init__(self, hosts: Mapping[str, int], status: int | None = None):
        self.hosts, self.status = hosts, status
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.proxy = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The address, with a user name and a password."""
        return f"http://reader:pa55@127.0.0.1:{self._server.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Any

    def _port(self, host: str) -> int | None:
        """The port behind a host; None where the refusal was answered."""
        proxy: Proxy = self.server.proxy
        proxy.asked.append(f"{self.command} {self.path}")
        if proxy.status is None and host in proxy.hosts:
            return proxy.hosts[host]
        self.send_response(proxy.status or 502)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.close_connection = True
        return None

    def do_CONNECT(self) -> None:
        port = self._port(self.path.rpartition(":")[0])
        if port is None:
            return
        with socket.create_connection(("127.0.0.1", port)) as beyond:
            self.send_response(200)
            self.end_headers()
            pair = {self.connection: beyond, beyond: self.connection}
            while True:
                for ready in select.select(list(pair), [], [])[0]:
                    piece = ready.recv(65536)
                    if not piece:
                        self.close_connection = True
                        return
                    pair[ready].sendall(piece)

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        port = self._port(parts.hostname or "")
        if port is None:
            return
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", parts.path, headers=dict(self.headers))
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name in ("Content-Type", "ETag", "Location"):
            if value := answer.headers.get(name):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet; `Proxy.asked` has the requests."""
