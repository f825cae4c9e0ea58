"""What serves is looked at: the server's end, its silence and a deployment that was deleted are noticed."""

from __future__ import annotations

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
        self.given, self.process = list(given), Process(code)

    def ask(self, _path: str) -> requests.Response:
        status = self.given.pop(0) if len(self.given) > 1 else self.given[0]
        if status is None:
            raise requests.ConnectionError
        answer = requests.Response()
        answer.status_code = status
        return answer

    def tell(self, *_: object) -> requests.Response:
        raise requests.ConnectionError  # nothing is removed


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
