"""A generated client calls every address of a real service and gets models: of answers, and of problems."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.generated_client import GeneratedClient
from tests.service.service_process import ServiceProcess, start_service
from trueline.service.tasks.events import EXAMPLE

TOKEN = "secret"


@pytest.fixture(scope="module")
def service(repository: Path) -> Iterator[ServiceProcess]:
    with start_service(repository, "--log", "", "--tasks", "events", token=TOKEN) as started:
        yield started


@pytest.fixture(scope="module")
def client(service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> GeneratedClient:
    return GeneratedClient(service, tmp_path_factory.mktemp("client"), "events_client", TOKEN)


def test_every_address_is_a_function_whose_answer_is_a_model(client: GeneratedClient) -> None:
    answers = {
        "health": client.call("health"),
        "metrics": client.call("metrics"),
        "model_status": client.call("model_status"),
        "experiments": client.call("experiments"),
        "diagnostics": client.call("diagnostics", "events"),
        "predict_events": client.post("predict_events", "EventsRequest", {"events": [EXAMPLE], "top": 2}),
    }
    assert set(answers) == client.list_functions()
    assert {status for status, _ in answers.values()} == {200}
    types = {name: type(answer).__name__ for name, (_, answer) in answers.items()}
    assert types == {
        "health": "Health",
        "metrics": "str",
        "model_status": "ModelStatus",
        "experiments": "Experiments",
        "diagnostics": "Diagnostics",
        "predict_events": "EventsAnswer",
    }
    tagged = answers["predict_events"][1].events[0]
    assert [type(chance).__name__ for chance in tagged.top] == ["EventsChance"] * 2
    assert (tagged.id, tagged.warnings) == (EXAMPLE["id"], [])
    assert answers["health"][1].models["events"].version == answers["predict_events"][1].model


def test_problems_are_models_with_the_place_of_every_fault(client: GeneratedClient) -> None:
    events = [EXAMPLE, EXAMPLE | {"name": ""}, EXAMPLE | {"location": "a" * 1001}]
    status, problem = client.post("predict_events", "EventsRequest", {"events": events})
    assert (status, type(problem).__name__, problem.status) == (422, "Problem", 422)
    assert [type(fault).__name__ for fault in problem.errors] == ["Fault"] * 2
    assert [fault.pointer for fault in problem.errors] == ["/events/1/name", "/events/2/location"]
    status, problem = client.call("diagnostics", "chess")
    assert (status, type(problem).__name__) == (404, "Problem")


def test_a_wrong_token_is_a_problem_too(client: GeneratedClient) -> None:
    with client.use_token("wrong"):
        for name in client.list_functions() - {"health", "predict_events", "diagnostics"}:
            status, problem = client.call(name)
            assert (status, type(problem).__name__, problem.title) == (401, "Problem", "Unauthorized")
