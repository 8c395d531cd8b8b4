"""events: predicts the tags of events with calibrated chances, from text prepared by the functions of training."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from types import ModuleType
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, with_config

from trueline.core.errors import UserError, did_you_mean
from trueline.core.runtime.params import expand_params
from trueline.core.runtime.plugins import load_plugin
from trueline.core.text.cleaning import clean_text, format_own_values, join_marked_fields
from trueline.core.text.tag_labels import normalize_tag
from trueline.core.text.tag_mentions import MENTION_PREFIX, find_mentions, join_fields
from trueline.service.artifacts.answer_version import build_version
from trueline.service.artifacts.verified_files import VerifiedFiles
from trueline.service.own_values import OwnValues, check_own_values, describe_own_values
from trueline.service.request_faults import apply_to_parts
from trueline.service.text_warnings import TextChecker, collect_known_words

Floats = npt.NDArray[np.float64]
EventTexts = tuple[str, str, str, str]  # an event's name, description, location and the words of its own columns

AT_ONCE = 5_000  # bytes: some 10 events, 2 ms of work; a longer body would delay /health
FEW = 11  # braces: 10 events and the request itself
MAX_EVENTS = 1000  # events per request
MAX_CACHED_TEXTS = 4096  # texts whose chances are cached: some 6 MB, at most 40 MB
MAX_CACHED_LETTERS = 2000  # characters of a text that is cached
DEFAULT_THRESHOLD = 0.5  # if the calibrator sets none
EXAMPLE: Any = {  # ev5887 of data/sample/events
    "id": "ev5887",
    "name": "Seeds and Seedlings at Wharf House",
    "description": "By popular demand, we do it again. Supper is served from six. Blankets on the grass. Swap "
    "seedlings over the fence. Doors at 7:30pm, and we start when most are there. We pack up at eleven sharp. The "
    "whole team is there too. Compost for a garden without the smell. Bring a fork and boots.",
    "location": "Wharf House, 99 Canal Walk, Northwick",
}
STRICT_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


def _convert_integral_float(value: Any) -> Any:
    """Return 12 for 12.0, which counts as an integer in JSON Schema too."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class Event(BaseModel):
    """An event as its organiser wrote it."""

    model_config = STRICT_CONFIG

    name: str = Field(min_length=1, max_length=1000, description="its name")
    description: str = Field("", max_length=20_000, description="what it is, in its organiser's words")
    location: str = Field("", max_length=1000, description="where it is held")
    own_columns: OwnValues = Field(default_factory=dict)
    id: str | None = Field(None, max_length=200, description="the caller's own id of it, returned unchanged")


class Request(BaseModel):
    """One event or many."""

    model_config = ConfigDict(**STRICT_CONFIG, json_schema_extra={"examples": [{"events": [EXAMPLE], "top": 3}]})

    events: list[Event] = Field(min_length=1, max_length=MAX_EVENTS, description="the events to tag")
    top: Annotated[int, BeforeValidator(_convert_integral_float)] = Field(
        5, ge=1, le=100, description="how many of the likeliest tags to return per event"
    )
    tags: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=1000)] | None = Field(
        None, description="the only tags to return; if left out, every tag that the model knows"
    )


@with_config(STRICT_CONFIG)
@dataclass(frozen=True, slots=True)
class Chance:
    """The chance of one tag."""

    tag: str
    chance: Annotated[float, Field(ge=0, le=1, description="calibrated probability that the event has the tag")]
    threshold: Annotated[float, Field(ge=0, le=1, description="the chance from which the tag is assigned")]


@with_config(STRICT_CONFIG)
@dataclass(frozen=True, slots=True)
class Tagged:
    """The tags of one event."""

    id: Annotated[str | None, Field(description="as posted")]
    tags: Annotated[
        list[str], Field(description="the assigned tags, likeliest first: those at or above their threshold")
    ]
    top: Annotated[list[Chance], Field(description="the likeliest tags, assigned or not, likeliest first")]
    warnings: Annotated[list[str], Field(description="what is unusual about the text; empty if nothing is")]


class Answer(BaseModel):
    """The tags of each event, in the order of the request."""

    model_config = ConfigDict(**STRICT_CONFIG | {"frozen": False})

    model: str = Field(description="the version that answered")
    events: list[Tagged]
    _chances: list[tuple[float, ...]] = PrivateAttr(default_factory=list)  # of every tag, for the log


@dataclass
class Model:
    """A learner's model, its calibrator, and how training treated texts."""

    version: str
    learner: ModuleType
    trained: Any
    calibrator: ModuleType
    state: dict[str, Any]
    has_mention_input: list[bool]  # for each tag, whether `says:<tag>` is an input of the model
    marks: bool
    own_kinds: dict[str, str] = field(default_factory=dict)  # of the source's own columns

    def __post_init__(self) -> None:
        self.tags: list[str] = list(self.trained.tags)
        self.thresholds: list[float] = self.state.get("threshold", [DEFAULT_THRESHOLD] * len(self.tags))
        self._mention_factors = np.array(self.has_mention_input, np.float64)
        # as arrays, since the calibrator would convert the lists at every call
        self._calibrator_state = {
            name: np.array(value) if isinstance(value, list) else value for name, value in self.state.items()
        }
        max_letters: int | None = getattr(self.trained, "settings", {}).get("length")
        self._checker = TextChecker(collect_known_words(self.trained), max_letters)
        self._lock = Lock()  # long requests are answered in threads
        self._cached_chances: dict[EventTexts, tuple[float, ...]] = {}  # the oldest first

    def get_chances(self, name: str, description: str, location: str, own_words: str = "") -> tuple[float, ...]:
        """Return the chance of every tag for one event."""
        return self.list_chances([(name, description, location, own_words)])[0]

    def list_chances(self, events: Sequence[EventTexts]) -> list[tuple[float, ...]]:
        """Return the chance of every tag for each event; the chances of recent short texts are cached.

        Those that are not cached are computed together, each once.
        """
        chances_by_event = {event: self._cached_chances.get(event) for event in events}
        unknown = [event for event, chances in chances_by_event.items() if chances is None]
        if unknown:
            computed = dict(zip(unknown, map(tuple, self.compute_chances(unknown).tolist()), strict=True))
            self._store_chances(computed)
            chances_by_event |= computed
        return [chances for event in events if (chances := chances_by_event[event]) is not None]

    def _store_chances(self, computed: dict[EventTexts, tuple[float, ...]]) -> None:
        """Cache the chances of short texts in place of the oldest."""
        with self._lock:
            self._cached_chances |= {
                event: chances for event, chances in computed.items() if sum(map(len, event)) <= MAX_CACHED_LETTERS
            }
            for event in list(islice(self._cached_chances, max(0, len(self._cached_chances) - MAX_CACHED_TEXTS))):
                del self._cached_chances[event]

    def list_warnings(self, event: Event) -> list[str]:
        """Return what is unusual about an event's text, as sentences."""
        return self._checker.list_warnings(f"{event.name} {event.description} {event.location}")

    def format_own_columns(self, event: Event) -> str:
        """Return the posted own columns as the words that they are in the texts of training.

        Raises UserError for a column that the model does not know, and for a value of another kind.
        """
        if not event.own_columns:
            return ""
        values = check_own_values(event.own_columns, self.own_kinds)
        return format_own_values(
            {name: clean_text(value) if isinstance(value, str) else value for name, value in values.items()}
        )

    def compute_chances(self, events: Sequence[EventTexts]) -> Floats:
        """Return events × tags of chances, as the stages prepare, features, train and calibrate compute them.

        The chances of an event do not depend on the others.
        """
        mentions, texts = [], []
        for name, description, location, own_words in events:
            fields = {
                "name": clean_text(name),
                "description": clean_text(description),
                "location": clean_text(location),
            }
            mentions.append(find_mentions(join_fields(fields.values()), self.tags))
            texts.append(f"{own_words} {join_marked_fields(fields, self.marks)}".strip())
        scores = self.learner.score_texts(self.trained, texts, np.array(mentions) * self._mention_factors)
        calibrated = self.calibrator.apply(self._calibrator_state, scores, np.zeros(len(events), dtype=np.int64))
        chances: Floats = calibrated[""] if isinstance(calibrated, dict) else calibrated
        return chances


def load(files: VerifiedFiles) -> Model:
    """Return the final model of the events. Raises UserError if the calibrator was not fitted for it."""
    params = expand_params(files.read_params())
    learner = load_plugin("train", params["tasks"]["events"]["learner"], "score_texts")
    trained = learner.load(files.resolve_path("models/events/final"))
    calibrator_content = files.read_json("models/events/calibrator.json")
    state = calibrator_content["folds"].get("final", {}).get("tuned")
    if state is None:
        raise UserError("models/events/calibrator.json has no calibrator for the final model; run `dvc repro`.")
    has_mention_input = [MENTION_PREFIX + tag in trained.importance for tag in trained.tags]
    calibrator = load_plugin("calibrate", calibrator_content["calibrator"], "apply")
    own_columns = params.get("prepare", {}).get("events", {}).get("own_columns", {})
    own_kinds = {name: declared["kind"] for name, declared in own_columns.items()}
    marks = params["features"]["events"]["marks"]
    return Model(
        build_version(files, "events"), learner, trained, calibrator, state, has_mention_input, marks, own_kinds
    )


def answer(model: Model, request: Request) -> Answer:
    """Return the tags of each event; a cached text is not scored again. Raises UserError for an unknown tag."""
    columns = _find_tag_indices(model, request.tags)
    own_words = apply_to_parts(model.format_own_columns, request.events, "/events")
    chances = model.list_chances(
        [
            (posted.name, posted.description, posted.location, own_text)
            for posted, own_text in zip(request.events, own_words, strict=True)
        ]
    )
    pairs = zip(request.events, chances, strict=True)
    tagged = [_describe_tags(model, event, row, columns, request.top) for event, row in pairs]
    # from plain values at once into dataclasses, in half the time of models; one by one takes several times as long
    response = Answer.model_validate({"model": model.version, "events": tagged}, strict=False)
    response._chances = chances
    return response


def log_rows(model: Model, request: Request, answer: Answer) -> list[dict[str, Any]]:
    """Return, for each event, its texts, the chance of every tag and the assigned tags.

    The texts are logged because without them nobody could judge later which tags were right.
    """
    return [
        build_log_row(model, event.id, (event.name, event.description, event.location), chances, tagged.tags)
        for event, tagged, chances in zip(request.events, answer.events, answer._chances, strict=True)
    ]


def build_log_row(
    model: Model, event_id: str | None, texts: tuple[str, str, str], chances: Sequence[float], tags: Sequence[str]
) -> dict[str, Any]:
    """Return the row of the log for an event: its name, description and location, and what was predicted of it."""
    name, description, location = texts
    return {
        "id": event_id,
        "name": name,
        "description": description,
        "location": location,
        "predicted": dict(zip(model.tags, chances, strict=True)),
        "given": list(tags),
    }


def rank_tags(chances: Sequence[float], columns: Sequence[int]) -> list[int]:
    """Return columns of tags, the likeliest first; equal chances stay in alphabetical order."""
    return sorted(columns, key=chances.__getitem__, reverse=True)


def assign_tags(model: Model, chances: Sequence[float], ranked: Sequence[int]) -> list[str]:
    """Return the tags that reach their threshold, in the order of `ranked`."""
    return [model.tags[index] for index in ranked if chances[index] >= model.thresholds[index]]


def described(model: Model, schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a request with the tags and the own columns that the model knows."""
    describe_own_values(schema["$defs"]["Event"], model.own_kinds)
    for choice in schema["properties"]["tags"]["anyOf"]:
        if choice.get("type") == "array":
            choice["items"] = {"type": "string", "enum": model.tags}
    return schema


def _find_tag_indices(model: Model, tags: list[str] | None) -> list[int]:
    """Return the indices of the requested tags, in any spelling that prepare joins; of all tags if None.

    Raises UserError for an unknown tag.
    """
    if tags is None:
        return list(range(len(model.tags)))
    indices = {normalize_tag(tag): index for index, tag in enumerate(model.tags)}
    if unknown := [tag for tag in tags if normalize_tag(tag) not in indices]:
        raise UserError(f"tags: the model knows no tag {unknown[0]!r}; {did_you_mean(unknown[0], model.tags)}")
    return sorted({indices[normalize_tag(tag)] for tag in tags})


def _describe_tags(
    model: Model, event: Event, chances: Sequence[float], columns: list[int], top: int
) -> dict[str, Any]:
    """Return the fields of Tagged."""
    ranked = rank_tags(chances, columns)
    return {
        "id": event.id,
        "tags": assign_tags(model, chances, ranked),
        "top": [
            {"tag": model.tags[index], "chance": chances[index], "threshold": model.thresholds[index]}
            for index in ranked[:top]
        ],
        "warnings": model.list_warnings(event),
    }
