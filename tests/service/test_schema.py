"""The API documentation is true: what it allows is answered, what it forbids is rejected, its examples work."""

from typing import Any

import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings


@pytest.fixture(scope="module")
def schema(client: TestClient) -> Any:
    """The service's OpenAPI schema, asked of the app itself."""
    return schemathesis.openapi.from_asgi("/openapi.json", client.app)


def _ask(case: Any) -> None:
    case.call_and_validate()


def test_schemathesis_finds_nothing(schema: Any) -> None:
    few: Any = settings(
        max_examples=25,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    tried = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        modes = [schemathesis.GenerationMode.POSITIVE]
        modes += [schemathesis.GenerationMode.NEGATIVE] if operation.body else []  # without a body nothing can be wrong
        for mode in modes:
            with_cases: Any = given(operation.as_strategy(generation_mode=mode))
            few(with_cases(_ask))()
        tried.append(operation.path)
    assert "/predict/events" in tried


def test_the_examples_of_the_documentation_are_answered(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    for path, address in document["paths"].items():
        if "post" in address:
            named = address["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]
            for example in schemas[named]["examples"]:
                assert client.post(path, json=example).status_code == 200


def test_every_reference_of_the_documentation_leads_somewhere(client: TestClient) -> None:
    document = client.get("/openapi.json").json()

    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if "$ref" in part else []
            return own + [one for value in part.values() for one in references(value)]
        return [one for value in part for one in references(value)] if isinstance(part, list) else []

    assert references(document)
    for reference in references(document):
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_the_tags_that_may_be_asked_for_are_those_of_the_model(client: TestClient) -> None:
    choices = client.get("/openapi.json").json()["components"]["schemas"]["EventsRequest"]["properties"]["tags"][
        "anyOf"
    ]
    model = client.app.state.service.loaded["events"].model  # type: ignore[attr-defined]
    assert choices[0]["items"]["enum"] == model.tags
