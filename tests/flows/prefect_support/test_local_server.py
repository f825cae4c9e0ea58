"""Who has not the login cannot ask the Prefect server anything; a server that was there before is not taken for it."""

from __future__ import annotations

import os
import resource
import signal
import stat
import sys
from pathlib import Path

import pytest
import requests

from treasury_watch.flows.prefect_support import local_server, server_start, shared_server
from treasury_watch.flows.prefect_support.local_server import ServerEnded, free_port, start
from treasury_watch.flows.prefect_support.server_start import ServerSilent

FOREIGN = """
import http.server, sys
class Anything(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'true')
    def log_message(self, *_): pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Anything).serve_forever()
"""
RUNS = "/flow_runs/filter"


@pytest.fixture
def server(server_and_database) -> local_server.LocalServer:
    return server_and_database[0]


@pytest.mark.slow
class TestAServerOfThisMachine:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", RUNS), ("POST", "/deployments/filter"), ("POST", "/flow_runs/"), ("POST", "/admin/database/clear"),
            ("DELETE", "/deployments/00000000-0000-0000-0000-000000000000"), ("GET", "/admin/settings"),
        ],
    )  # fmt: skip
    def test_it_answers_nobody_without_the_login(self, server, method, path):
        assert requests.request(method, server.url + path, json={}, timeout=10).status_code == 401
        wrong = requests.request(method, server.url + path, json={}, timeout=10, auth=("treasury-watch", "guess"))
        assert wrong.status_code == 401

    def test_it_answers_who_has_the_login(self, server):
        user, _, password = server.login.partition(":")
        assert requests.post(server.url + RUNS, json={}, timeout=10, auth=(user, password)).status_code == 200

    def test_a_page_of_another_origin_may_not_read_its_answers(self, server):
        asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
        answer = requests.options(server.url + RUNS, headers=asked, timeout=10)
        assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}


def test_another_server_at_the_port_is_not_taken_for_the_one_that_was_started(tmp_path: Path):
    port = free_port()
    foreign = [sys.executable, "-c", FOREIGN, str(port)]
    with pytest.raises(ServerEnded, match=f"another server answers at http://127.0.0.1:{port}/api: expected the one"):
        start(foreign, port, settings={}, log=tmp_path / "log")


def test_one_that_ends_at_once_is_one_line_that_names_its_log(tmp_path: Path):
    with pytest.raises(ServerEnded, match=rf"ended at once \(exit 3\); {tmp_path / 'log'} says why"):
        start([sys.executable, "-c", "raise SystemExit(3)"], 1, settings={}, log=tmp_path / "log")


def test_the_login_lies_in_a_file_of_its_owner_alone_and_is_new_each_time(tmp_path: Path):
    made = local_server.LocalServer("http://127.0.0.1:1/api", "treasury-watch:secret", None)
    with local_server.login_file(tmp_path, made) as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "treasury-watch:secret\n"
    assert not path.exists()


def test_a_folder_that_cannot_be_written_is_named_before_a_server_is_waited_for(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "none").touch()
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "none"))
    with pytest.raises(
        ServerSilent, match=f"{tmp_path / 'none'}: Prefect's temporary server cannot start: File exists"
    ):
        shared_server._temporary(Path(os.environ["PREFECT_HOME"]))


def test_a_full_disk_is_named_before_a_server_is_waited_for(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(server_start, "ROOM_BYTES", 1 << 16)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 15, limits[1]))
    try:
        with pytest.raises(
            ServerSilent, match=f"{tmp_path}: Prefect's temporary server cannot start: File too large; see"
        ):
            server_start.check_folder(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    server_start.check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
