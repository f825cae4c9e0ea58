"""What is set for Prefect before it is imported."""

import os

import pytest

from treasury_watch.flows.prefect_support import environment
from treasury_watch.flows.prefect_support.environment import apply, keep_off_proxies
from treasury_watch.transforms.errors import TreasuryWatchError

pytestmark = pytest.mark.usefixtures("plain_environment")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("before", ["", "mirror.example, 10.0.0.0/8", "localhost"])
def test_where_a_proxy_is_named_this_machine_is_asked_without_it_and_so_is_whatever_the_user_named(
    name, before, monkeypatch
):
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", before)
    monkeypatch.setenv(name, "http://proxy.example:3128")
    keep_off_proxies()
    for variable in ("no_proxy", "NO_PROXY"):
        hosts = os.environ[variable].split(",")
        assert {"127.0.0.1", "localhost", *filter(None, before.replace(" ", "").split(","))} == set(hosts)


def test_without_a_proxy_and_where_no_host_is_to_have_one_nothing_is_changed(monkeypatch):
    keep_off_proxies()
    assert "NO_PROXY" not in os.environ
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    keep_off_proxies()
    assert os.environ["NO_PROXY"] == "*"


def test_a_folder_of_prefects_that_cannot_be_made_is_named_with_its_own_variable(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(environment, "DEFAULTS", {})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "file" / "prefect"))
    with pytest.raises(
        TreasuryWatchError, match=r"file/prefect: expected a folder for Prefect's records.*in PREFECT_HOME"
    ):
        apply(tmp_path / "home")
