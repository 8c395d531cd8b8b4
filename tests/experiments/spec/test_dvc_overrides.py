"""Overrides: configs set existing parameters, and DVC reads every value back as it was written."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests import pipeline_copy
from tests.experiments import git_fixtures, toy_model
from trueline.core.errors import UserError
from trueline.experiments.running.launch import Launch, build_grid, build_launches, parse_assignments
from trueline.experiments.spec.config_schema import parse_config, read_config
from trueline.experiments.spec.dvc_overrides import Overrides, build_overrides, format_literal
from trueline.experiments.store.param_diff import compare_params, find_changed_tasks

PLAIN: dict[str, Any] = {"name": "TEST", "task": "props", "hypothesis": "it is better", "type": "walk_forward"}
EXAMPLES = sorted((pipeline_copy.ROOT / "experiments/configs").glob("*.yaml"))
ODD = [
    "null",
    "True",
    "inf",
    "NaN",
    "yes",
    "On",
    "e5",
    "1e5",
    "0o7",
    "0x1f",
    "1_0",
    "12:30",
    "=",
    "<<",
    ".inf",
    "2020-01-01",
]
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"))
TEXTS = st.text(LETTERS) | st.text(st.sampled_from("\\'\"${},[]=: a~+()")) | st.sampled_from(ODD)
VALUES = TEXTS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)


def compute_overrides(**changes: Any) -> Overrides:
    return build_overrides(parse_config({**PLAIN, **changes}, {}, "it.yaml"), toy_model.PARAMS)


def get_error(**changes: Any) -> str:
    with pytest.raises(UserError) as error_info:
        compute_overrides(**changes)
    return str(error_info.value)


@settings(deadline=None)
@given(st.lists(VALUES | st.lists(VALUES), min_size=1, max_size=5))
def test_what_is_set_comes_back_from_dvc_as_it_was_given(values: list[Any]) -> None:
    try:
        assignments = [f"param{number}={format_literal(value)}" for number, value in enumerate(values)]
    except UserError:
        assume(False)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_text("".join(f"param{number}: 0\n" for number in range(len(values))))
        apply_overrides(file, assignments)
        assert list(yaml.safe_load(file.read_text()).values()) == values


def test_a_word_needs_no_quotes_and_a_day_is_written_as_iso() -> None:
    assert [format_literal(value) for value in ("xgboost_trees", dt.date(2024, 2, 1), [1.0, None, True])] == [
        "xgboost_trees", "'2024-02-01'", "[1.0,null,true]",
    ]  # fmt: skip


def test_what_is_said_of_an_experiment_is_recorded() -> None:
    overrides = compute_overrides(tags=["a", "b"], parent="OLD", model={"version": "2.1"})
    assert {key.removeprefix("experiment."): value for key, value in overrides.items()} == {
        "name": "TEST", "task": "props", "type": "walk_forward", "version": "2.1", "hypothesis": "it is better",
        "tags": ["a", "b"], "parent": "OLD",
    }  # fmt: skip


def test_periods_become_folds_with_the_days_between_as_an_embargo() -> None:
    training = {"start_date": dt.date(2024, 1, 1), "end_date": dt.date(2024, 2, 28)}
    evaluation = {"start_date": dt.date(2024, 3, 3), "end_date": dt.date(2024, 3, 31)}
    overrides = compute_overrides(training=training, evaluation=evaluation)
    assert {key: value for key, value in overrides.items() if key.startswith("folds.")} == {
        "folds.props.first_day": dt.date(2024, 1, 1),
        "folds.props.first_test": dt.date(2024, 3, 3),
        "folds.props.last_test": dt.date(2024, 3, 31),
        "folds.props.embargo_days": 3,  # 29 February, 1 and 2 March
    }
    assert "has no first_test, because its rows have no dates" in get_error(
        task="events", training=training, evaluation=evaluation
    )


@pytest.mark.parametrize(
    ("changes", "overrides"),
    [
        ({"model": {"type": "logistic"}}, {"tasks.props.learner": "logistic"}),
        ({"type": "ensemble"}, {"tasks.props.learner": "ensemble"}),
        (
            {"recency": {"enabled": True, "half_life_days": 60}},
            {"tasks.props.resampler": "recency", "resample.props.recency.half_life_days": 60.0},
        ),
        ({"recency": {"enabled": False, "half_life_days": 60}}, {"resample.props.recency.half_life_days": 60.0}),
        ({"resample": "recency"}, {"tasks.props.resampler": "recency"}),
        ({"features": {"include": ["a", "b"]}}, {"features.props.include": ["a", "b"]}),
        ({"type": "ablation", "features": {"exclude": ["a*"]}}, {"features.props.exclude": ["a*"]}),
        ({"params": {"seed": 8}}, {"seed": 8}),
        (
            {"model": {"type": "logistic"}, "params": {"tasks.props.learner": "ensemble"}},
            {"tasks.props.learner": "ensemble"},
        ),
        (
            {"type": "hyperparameter", "model": {"hyperparameters": {"depth": 3}}},
            {"train.props.xgboost_trees.depth": 3, "tune.props.search.trials": 1},
        ),
        (
            {"model": {"type": "logistic", "hyperparameters": {"l2": 3.0}}, "params": {"tune.props.search.trials": 4}},
            {"tasks.props.learner": "logistic", "train.props.logistic.l2": 3.0, "tune.props.search.trials": 4},
        ),
    ],
)
def test_every_key_sets_the_parameters_that_it_names(changes: dict[str, Any], overrides: Overrides) -> None:
    assert {
        key: value for key, value in compute_overrides(**changes).items() if not key.startswith("experiment.")
    } == overrides


def test_a_parameter_that_has_the_value_already_is_not_set_again() -> None:
    assert "tasks.props.calibrator" not in compute_overrides(calibrate="residuals")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "prop"}, "TEST: there is no task 'prop'; did you mean 'props'?"),
        (
            {"params": {"folds.props.test_day": 7}},
            "folds.props of params.yaml has no 'test_day'; did you mean 'test_days'?",
        ),
        ({"params": {"fold.props.test_days": 7}}, "params.yaml has no 'fold'; did you mean 'folds'?"),
        ({"params": {"seed.x": 7}}, "seed of params.yaml has no 'x'; Allowed: nothing."),
        ({"params": {"folds.props": 7}}, "TEST: 'folds.props' is a section of params.yaml; name a parameter in it."),
        ({"model": {"hyperparameters": {"dept": 3}}}, "has no 'dept'; did you mean 'depth'?"),
        ({"model": {"type": "logistc"}}, "TEST: props has no learner 'logistc'; did you mean 'logistic'?"),
        ({"resample": "smote_nc"}, "TEST: props has no resampler 'smote_nc'; Allowed: none, recency."),
        ({"params": {"tasks.props.learner": None}}, "TEST: props has no learner None; Allowed: "),
        ({"calibrate": "platt"}, "TEST: props has no calibrator 'platt'; Allowed: residuals."),
    ],
)
def test_what_does_not_exist_is_rejected_with_the_nearest_that_does(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in get_error(**changes)


@pytest.mark.parametrize("text", ["yes", "OFF", "12:30", "1_000"])
def test_a_text_that_yaml_would_read_as_something_else_is_rejected(text: str) -> None:
    with pytest.raises(UserError, match="would be read back as a number or a truth value"):
        format_literal([text])


def test_a_number_that_yaml_would_read_as_a_text_is_rejected() -> None:
    assert format_literal(1.5e-05) == "1.5e-05"
    with pytest.raises(UserError, match="1e-05 would be read back as text, because it has no decimal point"):
        format_literal(1e-05)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_sets_parameters_that_exist(file: Path) -> None:
    params = yaml.safe_load((pipeline_copy.ROOT / "params.yaml").read_text())
    assert build_overrides(read_config(file), params)["experiment.name"] == file.stem


def test_a_grid_is_every_combination_and_each_has_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(toy_model.PARAMS))
    monkeypatch.chdir(tmp_path)
    points = build_grid(["train.props.xgboost_trees.depth=3,4", "recency.half_life_days=30,60.5"])
    launches = build_launches([], {**PLAIN, **parse_assignments(["recency.enabled=true"])}, points)
    assert [launch.name for launch in launches] == ["TEST-1", "TEST-2", "TEST-3", "TEST-4"]
    depth, half_life = "train.props.xgboost_trees.depth", "resample.props.recency.half_life_days"
    assert [(item.overrides[depth], item.overrides[half_life]) for item in launches] == [
        (3, 30),
        (3, 60.5),
        (4, 30),
        (4, 60.5),
    ]
    assert launches[2].overrides["experiment.name"] == "TEST-3"


@pytest.mark.parametrize(
    ("word", "values"),
    [("a=1,2", [1, 2]), ("a=x", ["x"]), ("a=[1,2],[3]", [[1, 2], [3]]), ("a='1,2',null", ["1,2", None])],
)
def test_the_values_of_a_grid_are_read_as_yaml(word: str, values: list[Any]) -> None:
    assert build_grid([word]) == [{"a": value} for value in values]


def test_a_parameter_named_twice_in_a_grid_is_rejected() -> None:
    with pytest.raises(UserError, match="--grid names 'seed' twice; list all its values in one: seed=a,b,c"):
        build_grid(["seed=2,3", "params.seed=4"])


def test_a_value_listed_twice_in_a_grid_is_rejected() -> None:
    with pytest.raises(UserError, match="the grid of 'seed' lists 4 twice; name each value once"):
        build_grid(["seed=3,4,4"])


@pytest.mark.parametrize(
    "words",
    [
        ["name=A,B"],
        ["train.props.xgboost_trees.depth=3,4", "model.hyperparameters.depth=6,7"],
    ],
)
def test_points_of_a_grid_that_set_the_same_are_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(toy_model.PARAMS))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="would be the same experiment; list other values in the grid"):
        build_launches([], PLAIN, build_grid(words))


@pytest.mark.parametrize("words", [["x=2024-13-01"], ["evaluation.end_date=2024-02-31"], ["x=" + "[" * 5000], ["x=["]])
def test_a_value_of_the_command_line_that_is_none_is_rejected(words: list[str]) -> None:
    with pytest.raises(UserError) as error_info:
        parse_assignments(words)
    assert "\n" not in str(error_info.value)
    assert len(str(error_info.value)) < 300


@pytest.mark.parametrize("value", [5, None, [], "", "a\0b"])
def test_a_source_that_is_no_path_is_rejected(value: Any) -> None:
    assert "tasks.props.source is " in get_error(params={"tasks.props.source": value})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no sections"),
        (b"- a", "holds no sections"),
        (b"tasks: [", "is not valid YAML"),
        (b"\xff\xfe\x00", "is not valid YAML"),
        (b"seed: 7", "has no section tasks"),
        (b"tasks: [props]", "has no section tasks"),
    ],
)
def test_a_params_file_that_cannot_be_used_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, message: str
) -> None:
    (tmp_path / "params.yaml").write_bytes(content)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=f"^params.yaml {message}"):
        build_launches([], PLAIN, [])


@pytest.mark.parametrize("section", ["folds", "train", "tune", "experiment"])
def test_params_without_a_section_are_rejected(section: str) -> None:
    params = {key: value for key, value in toy_model.PARAMS.items() if key != section}
    days = {"start_date": dt.date(2024, 1, 1), "end_date": dt.date(2024, 2, 28)}
    later = {"start_date": dt.date(2024, 3, 3), "end_date": dt.date(2024, 3, 31)}
    changes = {"training": days, "evaluation": later, "model": {"type": "logistic", "hyperparameters": {"l2": 1.0}}}
    with pytest.raises(UserError, match=rf"params.yaml has no (section )?'?{section}"):
        build_overrides(parse_config({**PLAIN, **changes}, {}, ""), params)


@pytest.mark.parametrize("name", ["HEAD", "main", "workspace", "a-tag"])
def test_a_name_that_git_or_dvc_calls_something_else_by_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rev = git_fixtures.start(tmp_path, {"params.yaml": yaml.safe_dump(toy_model.PARAMS)})
    git_fixtures.git(tmp_path, "tag", "a-tag")
    monkeypatch.chdir(tmp_path)
    for word in (name, rev[:7]):
        with pytest.raises(UserError, match=f"^'{word}' already names a commit in git, or DVC's workspace"):
            build_launches([], {**PLAIN, "name": word}, [])
    assert [launch.name for launch in build_launches([], PLAIN, [])] == ["TEST"]


def test_a_value_too_long_for_a_command_is_rejected() -> None:
    tags = ["x" * 50_000, "y" * 90_000]
    with pytest.raises(UserError, match="is too long for a command line"):
        Launch("TEST", "props", "none", {"experiment.tags": tags}).build_command()


def test_a_hypothesis_that_begins_with_a_dash_is_no_option_of_dvc() -> None:
    assert "--message=-5%" in Launch("TEST", "props", "-5%", {}).build_command()


def test_a_control_character_is_rejected_where_no_command_could_hold_it() -> None:
    assert format_literal("a\nb") == "'a\nb'"
    with pytest.raises(UserError, match="holds the control character"):
        format_literal("a\0b")


def test_a_grid_without_values_is_rejected() -> None:
    with pytest.raises(UserError, match="the grid of 'a' lists no values; write a=a,b,c"):
        build_grid(["a="])


def test_what_is_a_default_so_far_is_added_to_the_tasks_section_and_dvc_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_bytes((pipeline_copy.ROOT / "params.yaml").read_bytes())
    params = yaml.safe_load(file.read_text())
    changes = {
        "folds.racing.window_days": 60,
        "train.racing.catboost_trees.random_strength": 2.5,
        "tune.racing.space.catboost_trees.ranges.depth.low": 4,
        "train.defaults.forest.trees": 30,
        "folds.racing.test_days": params["folds"]["racing"]["test_days"],
    }
    config = parse_config({**PLAIN, "task": "racing", "params": changes}, {}, "it.yaml")
    overrides = {key: value for key, value in build_overrides(config, params).items() if "experiment" not in key}
    assert overrides == {
        "++folds.racing.window_days": 60,
        "++train.racing.catboost_trees.random_strength": 2.5,
        "++tune.racing.space.catboost_trees.ranges.depth.low": 4,
        "train.defaults.forest.trees": 30,
    }
    apply_overrides(file, [f"{param}={format_literal(value)}" for param, value in overrides.items()])
    changed = yaml.safe_load(file.read_text())
    assert changed["folds"]["racing"]["window_days"] == 60
    assert compare_params(params, changed) == {
        "folds.racing.window_days": (None, 60),
        "train.racing.catboost_trees.random_strength": (1.0, 2.5),
        "tune.racing.space.catboost_trees.ranges.depth.low": (3, 4),
        "train.props.forest.trees": (100, 30),
    }
    assert find_changed_tasks(changed, params) == ("props", "racing")


def test_a_task_that_shares_sections_is_told_where_to_set_a_parameter() -> None:
    params = yaml.safe_load((pipeline_copy.ROOT / "params.yaml").read_text())
    params["tasks"]["trots"] = params["tasks"]["racing"]
    shared = parse_config({**PLAIN, "task": "trots", "model": {"hyperparameters": {"depth": 9}}}, {}, "it.yaml")
    assert build_overrides(shared, params)["train.racing.catboost_trees.depth"] == 9
    direct = parse_config({**PLAIN, "task": "trots", "params": {"folds.trots.test_days": 9}}, {}, "it.yaml")
    with pytest.raises(
        UserError, match=r"trots uses the sections of racing; set folds.racing.test_days, which changes"
    ):
        build_overrides(direct, params)
