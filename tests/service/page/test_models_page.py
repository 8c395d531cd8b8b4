"""The dashboard: escaped, bound to its own script and style, complete, and closed without the token."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.service import status_fixtures
from tests.service.status.test_model_status import made
from trueline.core.charts.html import Html
from trueline.service.app import build_app
from trueline.service.artifacts import experiments_client
from trueline.service.artifacts.experiments_client import Experiments
from trueline.service.page.csp import CONTENT_SECURITY_POLICY
from trueline.service.page.login import LoginMiddleware
from trueline.service.page.models_page import render_dashboard
from trueline.service.page.prediction_form import list_probability_fields, render_form, render_forms
from trueline.service.settings import TOKEN_VARIABLE
from trueline.service.status.diagnostics import build_diagnostics
from trueline.service.status.model_status import build_task_status
from trueline.service.status.stage_outputs import TaskOutputs
from trueline.service.status.status_schema import ModelStatus
from trueline.service.status.training_info import TrainingInfo

HOSTILE = "<script>alert('x')</script>&\"'"  # a team may call itself anything
VOID = {"meta", "link", "input"}
NONE = Experiments(success=False, experiments=[], left_out=0, test_periods=[], reason="There are none.")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service for all tasks with made-up models, in a folder that is no git repository."""
    folder = status_fixtures.repository(tmp_path_factory.mktemp("repository"))
    with TestClient(build_app(status_fixtures.service(folder))) as found:
        yield found


@pytest.fixture(scope="module")
def page(client: TestClient) -> str:
    return str(client.get("/").text)


class Tags(HTMLParser):
    """Records tags and which are open; an end tag that does not match the last open one is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    """Return every tag with its attributes; all must be closed in the right place."""
    parser = Tags()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser.seen


def render(outputs: TaskOutputs, experiments: Experiments = NONE) -> str:
    """Return the page of one task of whose training nothing is known."""
    whole = ModelStatus(success=True, tasks=[build_task_status(outputs, TrainingInfo())])
    return render_dashboard(whole, {outputs.task: build_diagnostics(outputs)}, {outputs.task: outputs}, experiments, {})


def test_every_tag_is_closed_and_no_address_leads_elsewhere(page: str) -> None:
    found = tags(page)
    addresses = [value for _, held in found for name, value in held.items() if name in ("href", "src", "data-address")]
    assert addresses
    assert all(str(one).startswith(("#", "/", "./", "data:,")) and not str(one).startswith("//") for one in addresses)
    assert not any(name.startswith("on") or name == "style" for _, held in found for name in held)


def test_nothing_runs_or_styles_but_what_the_policy_names(page: str) -> None:
    for element, rule in (("script", "script-src"), ("style", "style-src")):
        inside = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256("".join(inside).encode()).digest()).decode()
        assert f"{rule} 'sha256-{digest}'" in CONTENT_SECURITY_POLICY
        assert len(inside) == 1
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert CONTENT_SECURITY_POLICY.startswith("default-src 'none'")


def test_the_page_comes_with_its_policy_and_is_kept_nowhere(client: TestClient) -> None:
    headers = client.get("/").headers
    assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_every_task_is_shown_with_its_headline_and_its_checks(client: TestClient, page: str, task: str) -> None:
    held = next(one for one in client.get("/api/model_status").json()["tasks"] if one["task"] == task)
    figure = held[held["headline"]] or held["figures"][held["headline"]]
    checks = client.get(f"/api/diagnostics/{task}").json()["checks"]
    assert f'id="{task}"' in page
    assert figure["metric"] in page
    assert all(one["name"].replace("_", " ") in page for one in checks)
    assert page.count(f'data-address="/predict/{task}"') == 1


def test_equal_outputs_give_equal_bytes(client: TestClient, page: str) -> None:
    assert client.get("/").text == page


def test_a_task_without_outputs_has_a_page_that_says_why() -> None:
    bare = replace(made({}), missing_reasons={"metrics/made/report.json": "metrics/made/report.json is not there."})
    found = render(bare)
    tags(found)
    assert "metrics/made/report.json is not there." in found
    assert "There are none." in found


def test_names_in_the_data_are_text_and_nothing_else() -> None:
    check = {"status": "failed", "summary": HOSTILE, "details": {}}
    day = {"game_date": "2024-01-01", "alert_level": HOSTILE, "alert_message": HOSTILE, "primary_cause": HOSTILE}
    hostile = replace(
        made({HOSTILE: HOSTILE}),
        task_config={"scorer": "tags", "learner": HOSTILE, "calibrator": HOSTILE},
        report={"tags": [{"tag": HOSTILE, "share": 0.5}]},
        diagnosis={"verdict": HOSTILE, "checks": {HOSTILE: check}},
        tuned={"tuned": {HOSTILE: HOSTILE}, "loss": {"name": HOSTILE}},
        model={"importance": {HOSTILE: 1.0}},
        days=[day],
        curves={f"{HOSTILE}/loss/fit": {1: 1.0, 2: 0.5}},
    )
    found = render(hostile, build_experiments([experiment(hypothesis=HOSTILE, name=HOSTILE)]))
    assert "alert(" in found
    assert len([element for element, _ in tags(found) if element == "script"]) == 1


def experiment(**more: Any) -> dict[str, Any]:
    """Return an experiment as the registry prints it."""
    plain: dict[str, Any] = dict.fromkeys(("type", "hypothesis", "parent", "error"))
    scores = {"props": {"hit_rate": 0.55, "hit_rate_low": 0.5, "hit_rate_high": 0.6}}
    words = {"name": "weekly", "rev": "a", "status": "completed", "created": "2024-01-01T00:00:00", "tasks": ["props"]}
    return {**plain, **words, "tags": [], "scores": scores, **more}


def build_experiments(experiments: list[dict[str, Any]]) -> Experiments:
    """Return experiments beside one test period."""
    period = {
        "task": "props", "scored": 10, "from": "2024-01-01", "to": "2024-01-02", "looks": 3, "different": 2,
        "metric": "hit_rate", "best": 0.55, "experiment": "weekly", "deflated": 0.53,
    }  # fmt: skip
    return experiments_client.parse_experiments({"experiments": experiments, "test_periods": [period]})


def test_experiments_have_their_intervals_and_what_is_void_says_so() -> None:
    void = experiment(name="old", invalidated={"data": "lines of March were shifted"})
    failed = experiment(name="broken", status="failed", scores={}, error="no rows")
    found = render(made({}), build_experiments([experiment(), void, failed]))
    assert "hit rate 0.55 (0.50 to 0.60)" in found
    assert "Invalidated: lines of March were shifted" in found
    assert "no rows" in found
    assert "3×, 2 different" in found


@pytest.mark.parametrize("task", status_fixtures.TASKS)
def test_a_form_has_every_single_value_of_the_request_filled_with_the_example(task: str) -> None:
    module = status_fixtures.modules()[task]
    schema = module.Request.model_json_schema()
    found = tags(render_form(task, schema, module.Answer))
    fields = {str(held["data-name"]) for _, held in found if "data-name" in held}
    example = schema["examples"][0]
    name = next(name for name, value in example.items() if isinstance(value, list) and isinstance(value[0], dict))
    wanted = {key for key in example if key != name} | {key for row in example[name] for key in row}
    assert wanted <= fields
    rows = [held for _, held in found if "row" in str(held.get("class", "")).split()]
    assert len(rows) == len(example[name])


def test_a_request_without_a_list_has_no_form() -> None:
    answer = status_fixtures.modules()["events"].Answer
    assert "There is no form" in render_form("made", {"properties": {"a": {"type": "string"}}}, answer)


def test_chances_are_known_by_their_bounds_or_their_names() -> None:
    found = {task: list_probability_fields(module.Answer) for task, module in status_fixtures.modules().items()}
    assert {"chance", "threshold"} <= found["events"]
    assert {"p_over", "p_push", "p_under"} <= found["props"]
    assert "probability" in found["racing"]
    assert "fair_odds" not in found["racing"]


def test_the_addresses_say_what_their_schemas_say(client: TestClient) -> None:
    held = client.get("/openapi.json").json()
    for path, name in (
        ("/api/model_status", "ModelStatus"),
        ("/api/experiments", "Experiments"),
        ("/api/diagnostics/{task}", "Diagnostics"),
    ):
        shape = held["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert shape == {"$ref": f"#/components/schemas/{name}"}
    assert client.get("/api/model_status").json()["success"] is True


def test_a_task_that_is_not_loaded_has_no_diagnosis_and_the_others_are_named(client: TestClient) -> None:
    found = client.get("/api/diagnostics/chess")
    assert found.status_code == 404
    assert found.json()["detail"] == "'chess' is not loaded here; loaded: events, props, racing."


def test_with_a_token_nothing_is_shown_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    app = build_app(status_fixtures.service(status_fixtures.repository(tmp_path)))
    app.add_middleware(LoginMiddleware, "secret")
    client = TestClient(app)
    bare, wrong = client.get("/"), client.get("/", headers={"Authorization": "Bearer x"})
    assert (bare.status_code, wrong.status_code) == (401, 401)
    assert 'id="gate"' in bare.text
    assert not any(
        task in bare.text.lower().partition("<body>")[2].partition("<script>")[0] for task in status_fixtures.TASKS
    )
    assert bare.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    for path in ("/api/model_status", "/api/experiments", "/api/diagnostics/props"):
        assert client.get(path).status_code == 401
    assert 'id="props"' in client.get("/", headers={"Authorization": "Bearer secret"}).text


def test_without_a_token_nobody_is_asked_for_one(client: TestClient) -> None:
    assert 'id="gate"' not in client.get("/").text


def test_the_forms_are_unfolded_one_at_a_time() -> None:
    found = render_forms({"a_b": Html("<form>1</form>"), "c": Html("<form>2</form>")})
    assert found.count("<details open>") == 1
    assert found.index("<details open>") < found.index("A b")
