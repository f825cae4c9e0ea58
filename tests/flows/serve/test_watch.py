"""What serves is looked at: the server's end, its silence and a deployment that was deleted are noticed."""

from __future__ import annotations

import json

import pytest
import requests

from treasury_watch.flows.serve.server import ASK_SECONDS, REGISTERED_WITHIN_SECONDS, Stopped, Watch


class Process:
    def __init__(self, code: int | None = None):
        self.code = code

    def ended(self) -> int | None:
        return self.code


class Answers:
    """A server that gives these answers, the last one again and again; None is silence."""

    url = "http://127.0.0.1:4200/api"

    def __init__(self, *given: int | None, code: int | None = None):
        self.given, self.process, self.told = list(given), Process(code), list[tuple[str, str, object]]()
        self.deployment = {"id": "77", "paused": False, "schedules": [{"slug": "daily", "active": True}]}

    def ask(self, _path: str) -> requests.Response:
        status = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if status is None:
            raise requests.ConnectionError
        answer = requests.Response()
        answer.status_code = status
        answer._content = json.dumps(self.deployment).encode()
        return answer

    def tell(self, method: str, path: str, body: object) -> requests.Response:
        self.told.append((method, path, body))
        if "filter" in path:
            raise requests.ConnectionError  # nothing is removed
        return requests.Response()


def watched(server: Answers, looks: int) -> None:
    watch = Watch(server, 0.0)
    for number in range(looks):
        watch.look((number + 1.0) * ASK_SECONDS)


def test_a_server_that_has_ended_is_noticed_at_once():
    with pytest.raises(Stopped, match=r"ended \(exit -9\)"):
        Watch(Answers(200, code=-9), 0.0).look(1.0)


def test_a_deployment_that_was_there_and_is_not_is_noticed():
    with pytest.raises(Stopped, match="treasury-watch/on-schedule is not on the server"):
        watched(Answers(200, 404), 2)


def test_a_deployment_has_time_to_be_registered():
    looks = REGISTERED_WITHIN_SECONDS // ASK_SECONDS
    watched(Answers(404), looks)
    with pytest.raises(Stopped, match="is not on the server"):
        watched(Answers(404), looks + 1)


def test_four_questions_without_an_answer_are_a_silence_and_three_are_not():
    watched(Answers(200, None, None, 500, 200), 6)
    with pytest.raises(Stopped, match="gave no answer 4 times"):
        watched(Answers(200, None, 500, None, 401), 5)


def test_a_deployment_or_a_schedule_that_somebody_paused_is_told_once():
    server, told = Answers(200), []
    watch = Watch(server, 0.0, tell=told.append)
    server.deployment["schedules"][0]["active"] = False
    watch.look(ASK_SECONDS)
    watch.look(2 * ASK_SECONDS)
    server.deployment["paused"] = True
    watch.look(3 * ASK_SECONDS)
    assert ["paused on the Prefect server" in str(problem) for problem in told] == [True, True]
    assert "daily of treasury-watch/on-schedule" in str(told[0])


def test_a_run_that_makes_up_for_a_missed_one_is_asked_for_once_the_deployment_is_there():
    server = Answers(404, 200)
    watch = Watch(server, 0.0, run_first={"command": "catching up"})
    watch.look(ASK_SECONDS)
    assert server.told == []
    watch.look(2 * ASK_SECONDS)
    watch.look(3 * ASK_SECONDS)
    asked = [told for told in server.told if "filter" not in told[1]]
    assert asked == [("POST", "/deployments/77/create_flow_run", {"parameters": {"command": "catching up"}})]
