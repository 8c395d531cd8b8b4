"""Prediction form: a form to query a model, built from its request's schema and filled with the schema's example."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from trueline.core.charts.html import Html, html_tag, join_html, render_collapsible, render_table
from trueline.core.charts.number_format import format_name

LONG_TEXT_LETTERS = 2000  # characters allowed in a text above which it gets a box of several lines
WIDE_FIELD_LETTERS = 500  # and above which it gets a whole line
Schema = Mapping[str, Any]
SINGLE_TYPES = ("string", "number", "integer", "boolean")


def render_form(task: str, request: Schema, answer: type[BaseModel]) -> Html:
    """Return a form for a request that has one list of parts, such as runners, and single values besides.

    Values that are neither single nor lists of texts are left out of the form. The page's script sends it; without the
    script its buttons stay disabled, and the page says so.
    """
    example = (request.get("examples") or [{}])[0]
    list_field = _find_list(request)
    if list_field is None:
        return html_tag("p", "There is no form for this request; see the API documentation.")
    name, item_schema = list_field
    rows = example.get(name) or [{}]
    required_html, optional_html = _render_single_fields(request, example)
    body = _render_grid(item_schema, rows[0]) if len(rows) == 1 else _render_table(name, item_schema, rows)
    buttons = [
        html_tag("button", "Predict", type="submit", class_="first", disabled=True),
        html_tag("button", "Add another", type="button", class_="more", disabled=True),
        html_tag("button", "Remove the last", type="button", class_="less", disabled=True),
    ]
    chances = " ".join(sorted(list_probability_fields(answer)))
    data = {"data_address": f"/predict/{task}", "data_list": name, "data_chances": chances}
    hint = f"Without a script: send JSON to /predict/{task} with POST; /openapi.json has the schema."
    noscript = html_tag("noscript", html_tag("p", hint))
    output = html_tag("output", aria_live="polite")
    return html_tag(
        "form",
        required_html,
        body,
        optional_html,
        html_tag("div", *buttons, class_="buttons"),
        noscript,
        output,
        class_="try",
        **data,
    )


def render_forms(forms: Mapping[str, Html]) -> Html:
    """Return the forms one below the other, the first unfolded."""
    folded_forms = [render_collapsible(format_name(task).capitalize(), form) for task, form in forms.items()]
    opened_form = [Html(html.replace("<details>", "<details open>", 1)) for html in folded_forms[:1]]
    return join_html([*opened_form, *folded_forms[1:]])


def list_probability_fields(answer: type[BaseModel]) -> set[str]:
    """Return the names of an answer's chances: numbers from 0 to 1, and those called p_… or …probability."""
    schema = answer.model_json_schema()
    definitions = [schema, *schema.get("$defs", {}).values()]
    properties = [item for definition in definitions for item in definition.get("properties", {}).items()]
    unit_interval = {"minimum": 0, "maximum": 1}
    return {
        name
        for name, value_schema in properties
        if unit_interval.items() <= value_schema.items() or name.startswith("p_") or name.endswith("probability")
    }


def _render_single_fields(request: Schema, example: Mapping[str, Any]) -> tuple[Html, Html]:
    """Return the fields of single values: the required ones, and the optional ones."""
    fields = {name: _label_field(name, *entry) for name, entry in _iterate_fields(request, example)}
    groups = (
        [field for name, field in fields.items() if (name in request.get("required", [])) == is_required]
        for is_required in (True, False)
    )
    required_html, optional_html = (
        html_tag("div", *group, class_="fields whole") if group else Html() for group in groups
    )
    return required_html, optional_html


def _find_list(request: Schema) -> tuple[str, Schema] | None:
    """Return the name of a request's list of parts and the schema of a part, None if it has no such list."""
    definitions = request.get("$defs", {})
    for name, value_schema in request.get("properties", {}).items():
        reference = value_schema.get("items", {}).get("$ref", "") if value_schema.get("type") == "array" else ""
        if reference.rpartition("/")[2] in definitions:
            return name, definitions[reference.rpartition("/")[2]]
    return None


def _iterate_fields(item_schema: Schema, values: Mapping[str, Any]) -> Iterator[tuple[str, tuple[Html, Schema]]]:
    """Yield the names of a part's single values, each with its field and schema."""
    for name, value_schema in item_schema.get("properties", {}).items():
        single_schema = _get_single_schema(value_schema)
        if single_schema is not None:
            is_required = name in item_schema.get("required", [])
            value = values.get(name, single_schema.get("default"))
            yield name, (_render_field(name, single_schema, value, is_required), single_schema)


def _get_single_schema(value_schema: Schema) -> Schema | None:
    """Return the schema of a single value or a list of texts, without null as an option; None for other values."""
    options = [option for option in value_schema.get("anyOf", [value_schema]) if option.get("type") != "null"]
    merged = {**{key: value for key, value in value_schema.items() if key != "anyOf"}, **options[0]}
    is_single = merged.get("type") in SINGLE_TYPES or "enum" in merged
    if is_single or (merged.get("type") == "array" and merged.get("items", {}).get("type") == "string"):
        return merged
    return None


def _render_field(name: str, schema: Schema, value: Any, is_required: bool) -> Html:
    kind = "list" if schema.get("type") == "array" else str(schema.get("type", "string"))
    is_marked_required = is_required and kind not in ("boolean", "list")
    data: dict[str, Any] = {"data_name": name, "data_kind": kind, "required": is_marked_required}
    text = "" if value is None else str(value)
    if "enum" in schema:
        options = map(str, schema["enum"])
        choices = [html_tag("option", option, value=option, selected=text == option) for option in options]
        return html_tag("select", *choices, **data)
    if kind == "boolean":
        return html_tag("input", type="checkbox", checked=bool(value), **data)
    if kind in ("number", "integer"):
        bounds = {"min": schema.get("minimum"), "max": schema.get("maximum"), "step": "any" if kind == "number" else 1}
        return html_tag("input", type="number", value=text, inputmode="decimal", **bounds, **data)
    if schema.get("maxLength", 0) > LONG_TEXT_LETTERS:
        return html_tag("textarea", text, maxlength=schema["maxLength"], **data)
    letters = "letters" if len(text) > 8 else None
    return html_tag("input", type="text", value=text, maxlength=schema.get("maxLength"), class_=letters, **data)


def _label_field(name: str, field: Html, schema: Schema) -> Html:
    wide = "wide" if "<textarea" in field or schema.get("maxLength", 0) > WIDE_FIELD_LETTERS else None
    return html_tag(
        "label", html_tag("span", format_name(name)), field, title=str(schema.get("description", "")), class_=wide
    )


def _render_grid(item_schema: Schema, row: Mapping[str, Any]) -> Html:
    """Return the fields of one part side by side."""
    return html_tag(
        "div", *(_label_field(name, *entry) for name, entry in _iterate_fields(item_schema, row)), class_="fields row"
    )


def _render_table(name: str, item_schema: Schema, rows: list[Mapping[str, Any]]) -> Html:
    """Return several parts as a table, one part per row, with the columns that are required or that some part has."""
    field_rows = [dict(_iterate_fields(item_schema, row)) for row in rows]
    required = item_schema.get("required", [])
    columns = [key for key in field_rows[0] if any(key in row for row in rows) or key in required]
    heads = [format_name(key) for key in columns]
    cells = [[_add_aria_label(row[key][0], key) for key in columns] for row in field_rows]
    return Html(
        render_table(format_name(name), heads, cells, stacked=True).replace(
            '<tr><th scope="row"', '<tr class="row"><th scope="row"'
        )
    )


def _add_aria_label(field: Html, name: str) -> Html:
    """Return a field with its name as a label for those who cannot see the column's heading."""
    position = field.index(" ")
    return Html(f'{field[:position]} aria-label="{format_name(name)}"{field[position:]}')
