"""Trial: a form to ask a model, made of the schema of its request and filled with the schema's example."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from service.page.drawing import Html, folded, join, spoken, table, tag

LONG = 2000  # letters from which a text gets a box of several lines
WIDE = 500  # and from which a whole line
Schema = Mapping[str, Any]
KINDS = ("string", "number", "integer", "boolean")


def trial(task: str, request: Schema, answer: type[BaseModel]) -> Html:
    """Return a form for a request that has one list of parts, such as runners, and single values beside it.

    Values that are neither single nor lists of texts are left out of the form. The page's script sends it; without the
    script its buttons stay dead and the page says so.
    """
    example = (request.get("examples") or [{}])[0]
    inner = _list(request)
    if inner is None:
        return tag("p", "There is no form for this request; see the documentation of the addresses.")
    name, part = inner
    rows = example.get(name) or [{}]
    needed, more = _singles(request, example)
    body = _grid(part, rows[0]) if len(rows) == 1 else _table(name, part, rows)
    buttons = [
        tag("button", "Predict", type="submit", class_="first", disabled=True),
        tag("button", "Add another", type="button", class_="more", disabled=True),
        tag("button", "Remove the last", type="button", class_="less", disabled=True),
    ]
    data = {"data_address": f"/predict/{task}", "data_list": name, "data_chances": " ".join(sorted(chances(answer)))}
    without = tag(
        "noscript", tag("p", f"Without a script: send JSON to /predict/{task} with POST; /openapi.json says what.")
    )
    output = tag("output", aria_live="polite")
    return tag(
        "form", needed, body, more, tag("div", *buttons, class_="buttons"), without, output, class_="try", **data
    )


def trials(forms: Mapping[str, Html]) -> Html:
    """Return the forms below each other, the first unfolded."""
    found = [folded(spoken(task).capitalize(), form) for task, form in forms.items()]
    first = [Html(one.replace("<details>", "<details open>", 1)) for one in found[:1]]
    return join([*first, *found[1:]])


def chances(answer: type[BaseModel]) -> set[str]:
    """Return the names in an answer that are chances: numbers from 0 to 1, and those called p_… or …probability."""
    schema = answer.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    fields = [each for part in parts for each in part.get("properties", {}).items()]
    whole = {"minimum": 0, "maximum": 1}
    return {name for name, one in fields if whole.items() <= one.items() or _called(name)}


def _singles(request: Schema, example: Mapping[str, Any]) -> tuple[Html, Html]:
    """Return the fields of single values: those that must be given, and those that may be left out."""
    found = {name: _labelled(name, *one) for name, one in _fields(request, example)}
    sides = (
        [field for name, field in found.items() if (name in request.get("required", [])) == must]
        for must in (True, False)
    )
    first, last = (tag("div", *side, class_="fields whole") if side else Html() for side in sides)
    return first, last


def _called(name: str) -> bool:
    return name.startswith("p_") or name.endswith("probability")


def _list(request: Schema) -> tuple[str, Schema] | None:
    """Return the list of parts of a request, and what a part is."""
    parts = request.get("$defs", {})
    for name, one in request.get("properties", {}).items():
        held = one.get("items", {}).get("$ref", "") if one.get("type") == "array" else ""
        if held.rpartition("/")[2] in parts:
            return name, parts[held.rpartition("/")[2]]
    return None


def _fields(part: Schema, given: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Html, Schema]]]:
    """Yield the single values of a part, each with its field."""
    for name, told in part.get("properties", {}).items():
        one = _single(told)
        if one is not None:
            needed = name in part.get("required", [])
            yield name, (_field(name, one, given.get(name, one.get("default")), needed), one)


def _single(told: Schema) -> Schema | None:
    """Return the schema of a value that is single, or a list of texts; of one that may be null, its other kind."""
    kinds = [kind for kind in told.get("anyOf", [told]) if kind.get("type") != "null"]
    one = {**{key: value for key, value in told.items() if key != "anyOf"}, **kinds[0]}
    single = one.get("type") in KINDS or "enum" in one
    return one if single or (one.get("type") == "array" and one.get("items", {}).get("type") == "string") else None


def _field(name: str, one: Schema, given: Any, needed: bool) -> Html:
    kind = "list" if one.get("type") == "array" else str(one.get("type", "string"))
    data: dict[str, Any] = {
        "data_name": name,
        "data_kind": kind,
        "required": needed and kind not in ("boolean", "list"),
    }
    said = "" if given is None else str(given)
    if "enum" in one:
        choices = [tag("option", str(word), value=str(word), selected=said == str(word)) for word in one["enum"]]
        return tag("select", *choices, **data)
    if kind == "boolean":
        return _blank(type="checkbox", checked=bool(given), **data)
    if kind in ("number", "integer"):
        ends = {"min": one.get("minimum"), "max": one.get("maximum"), "step": "any" if kind == "number" else 1}
        return _blank(type="number", value=said, inputmode="decimal", **ends, **data)
    if one.get("maxLength", 0) > LONG:
        return tag("textarea", said, maxlength=one["maxLength"], **data)
    letters = "letters" if len(said) > 8 else None
    return _blank(type="text", value=said, maxlength=one.get("maxLength"), class_=letters, **data)


def _labelled(name: str, field: Html, one: Schema) -> Html:
    wide = "wide" if "<textarea" in field or one.get("maxLength", 0) > WIDE else None
    return tag("label", tag("span", spoken(name)), field, title=str(one.get("description", "")), class_=wide)


def _grid(part: Schema, row: Mapping[str, Any]) -> Html:
    """Return the fields of one part side by side."""
    return tag("div", *(_labelled(name, *one) for name, one in _fields(part, row)), class_="fields row")


def _table(name: str, part: Schema, rows: list[Mapping[str, Any]]) -> Html:
    """Return several parts as a table, a part a row; only the columns that some part has are shown."""
    held = [dict(_fields(part, row)) for row in rows]
    shown = [key for key in held[0] if any(key in row for row in rows) or key in part.get("required", [])]
    heads = [spoken(key) for key in shown]
    cells = [[_named(row[key][0], key) for key in shown] for row in held]
    return Html(table(spoken(name), heads, cells).replace('<tr><th scope="row"', '<tr class="row"><th scope="row"'))


def _named(field: Html, name: str) -> Html:
    """Return a field with its name for those who cannot see the column's head."""
    at = field.index(" ")
    return Html(f'{field[:at]} aria-label="{spoken(name)}"{field[at:]}')


def _blank(**attributes: Any) -> Html:
    return Html(tag("input", **attributes).removesuffix("</input>"))
