"""A temporary server that starts before Prefect is imported keeps to the settings that Prefect would find."""

from __future__ import annotations

from pathlib import Path

import pytest

from treasury_watch.flows.prefect_support import early_server
from treasury_watch.flows.prefect_support.local_server import ServerEnded


def test_none_is_begun_where_the_environment_names_a_server_or_the_folder_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    early_server.begin()
    assert early_server.begun(tmp_path / "prefect") is None
    assert not (tmp_path / "prefect").exists()
    monkeypatch.delenv("PREFECT_API_URL")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "file"))
    (tmp_path / "file").touch()
    early_server.begin()
    assert early_server.begun(tmp_path / "file") is None


def test_it_ends_at_once_and_makes_no_database_where_a_profile_names_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    (tmp_path / "profiles.toml").write_text(
        'active = "office"\n[profiles.office]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )
    early_server.begin()
    begun = early_server.begun(tmp_path)
    assert begun is not None
    with pytest.raises(ServerEnded, match=r"ended at once \(exit 1\)"):
        begun.result(timeout=60)
    assert (tmp_path / "temporary-server.log").read_text().strip() == "a server is named already"
    assert not (tmp_path / "prefect.db").exists()
