"""Column mapping: the source's names and values brought to the declared ones, and what is missing named at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd

from trueline.core.errors import UserError, did_you_mean
from trueline.core.tables.source_settings import SourceSettings
from trueline.core.tables.table_schema import Column
from trueline.core.tables.unit_names import append_unit, find_unit_targets

UNNAMED = re.compile(r"Unnamed: \d+")  # how columns without a name are called
Synonyms = Mapping[str, Sequence[str]]  # declared column: what sources call it


@dataclass(frozen=True)
class MappedTable:
    """A raw table under the declared names; what was renamed, what is ignored, and what of that looks meant."""

    rows: pd.DataFrame
    renamed: dict[str, str]  # the source's name: the declared one
    ignored: list[str]
    look_meant: dict[str, str]  # an ignored column: the declared one of which it is a synonym


def normalize_name(name: str) -> str:
    """Return a column's name without case, spaces and punctuation.

    >>> normalize_name("Race ID") == normalize_name("race_id")
    True
    """
    return re.sub(r"[\W_]", "", str(name)).lower()


def map_columns(
    raw: pd.DataFrame, columns: Sequence[Column], settings: SourceSettings, table_label: str, synonyms: Synonyms
) -> MappedTable:
    """Return the raw table under the declared names, with the values that the settings translate.

    A column is found by `settings.columns`, else by its name in any case and punctuation, else, if nothing has that
    name, by a synonym, or by either with another unit at its end, which its numbers then have. Raises UserError that
    names every required column which is still missing, with lines to paste, and for two columns of one name that
    contradict each other.
    """
    raw = raw.set_axis([str(name) for name in raw.columns], axis=1).reset_index(drop=True)
    target_by_name = find_targets(list(raw.columns), columns, settings.columns, synonyms)
    _require_columns(raw, columns, target_by_name, table_label)
    rows = _rename(raw, target_by_name, columns, table_label)
    for name, translation in settings.values.items():
        if name in target_by_name.values():
            rows[name] = translate_values(rows[name], translation)
    ignored = sorted(set(raw.columns) - set(target_by_name))
    target_by_synonym = _index_synonyms(columns, synonyms)
    return MappedTable(
        rows,
        {name: target for name, target in target_by_name.items() if name != target},
        ignored,
        {name: target_by_synonym[key] for name in ignored if (key := normalize_name(name)) in target_by_synonym},
    )


def unify_files(
    raw: pd.DataFrame,
    file_names: pd.Series,
    columns: Sequence[Column],
    settings: SourceSettings,
    table_label: str,
    synonyms: Synonyms,
) -> tuple[pd.DataFrame, list[str]]:
    """Return a table of several files, in which each calls its columns in its own way, under our names; and notes.

    A note says which file calls which column how, and which of the needed columns a file lacks.
    """
    unified, notes = [], []
    for file_name, rows in raw.groupby(file_names, sort=False):
        rows = rows.dropna(axis=1, how="all").rename(columns=str)
        targets = find_targets(list(rows.columns), columns, settings.columns, synonyms)
        renamed = {name: target for name, target in targets.items() if name != target}
        unmapped = rows.drop(columns=[*targets, *(name for name in targets.values() if name in rows)], errors="ignore")
        unified.append(_rename(rows, targets, columns, f"{table_label}: {file_name}").join(unmapped))
        missing = [column.name for column in columns if column.required and column.name not in targets.values()]
        if renamed:
            notes.append(f"{table_label}: columns of {file_name} read under our names: {list_pairs(renamed)}")
        if missing:
            notes.append(f"{table_label}: {file_name} has no column {', '.join(missing)}")
    return pd.concat(unified).reindex(raw.index), notes


def list_pairs(target_by_name: Mapping[str, str]) -> str:
    """Return the source's names, each with the declared one."""
    return ", ".join(f"{name.strip()} ({target})" for name, target in target_by_name.items())


def reject_unknown_targets(settings: SourceSettings, columns: Sequence[Column], task: str) -> None:
    """Raise UserError if `columns` or `values` of the settings names a column that no table of the task declares."""
    declared = {column.name for column in columns}
    for setting, targets in (("columns", settings.columns.values()), ("values", settings.values)):
        if unknown := sorted(set(targets) - declared):
            hint = did_you_mean(unknown[0], declared)
            raise UserError(f"prepare.{task}.{setting} names {unknown[0]!r}, which is no column of ours; {hint}")


def find_targets(
    names: Sequence[str], columns: Sequence[Column], configured: Mapping[str, str], synonyms: Synonyms
) -> dict[str, str]:
    """Return the declared column of each name of the source that has one, as `map_columns` finds it."""
    own_targets = {normalize_name(column.name): column.name for column in columns}
    configured_targets = {
        normalize_name(name): target for name, target in configured.items() if target in own_targets.values()
    }
    keys = {name: normalize_name(name) for name in names}
    targets = {name: configured_targets[key] for name, key in keys.items() if key in configured_targets}
    configured_names = set(targets.values())
    free_names = {name: key for name, key in keys.items() if name not in targets}
    targets |= {
        name: own_targets[key]
        for name, key in free_names.items()
        if key in own_targets and own_targets[key] not in configured_names
    }
    name_by_key = {key: name for name, key in free_names.items() if name not in targets}
    for synonym, target in _index_synonyms(columns, synonyms).items():
        if synonym in name_by_key and target not in targets.values():
            targets[name_by_key[synonym]] = target
    free_columns = [column for column in columns if column.name not in targets.values()]
    return targets | find_unit_targets([name for name in names if name not in targets], free_columns, synonyms)


def find_source_names(
    table: pd.DataFrame, columns: Sequence[Column], configured: Mapping[str, str], synonyms: Synonyms
) -> dict[str, str]:
    """Return the name that each declared column has in the source, if it is there."""
    targets = find_targets(list(map(str, table.columns)), columns, configured, synonyms)
    return {target: name for name, target in targets.items()}


def _index_synonyms(columns: Sequence[Column], synonyms: Synonyms) -> dict[str, str]:
    declared = [column.name for column in columns]
    return {normalize_name(synonym): name for name in declared for synonym in synonyms.get(name, ())}


def _require_columns(
    raw: pd.DataFrame, columns: Sequence[Column], target_by_name: Mapping[str, str], table_label: str
) -> None:
    missing = [column for column in columns if column.required and column.name not in target_by_name.values()]
    if not missing:
        return
    free_names = {normalize_name(name): name for name in raw.columns if name not in target_by_name}
    lines = []
    for column in missing:
        near = get_close_matches(normalize_name(column.name), free_names, n=1, cutoff=0.6)
        guess = free_names.get(near[0], "") if near else ""
        lines.append(f"{guess or 'THEIR NAME'!s}: {column.name}")
    names = ", ".join(repr(column.name) for column in missing)
    guesses = [line for line in lines if not line.startswith("THEIR NAME")]
    hint = f"did you mean {guesses[0].split(': ')[0]!r}? " if len(missing) == 1 and guesses else ""
    is_plural = len(missing) > 1
    if raw.columns.empty:
        raise UserError(f"{table_label} is empty; it needs {names}.")
    if sum(UNNAMED.fullmatch(name) is not None for name in map(str, raw.columns)) > len(raw.columns) / 2:
        hint = "its first line seems to be a title: remove what is above the header. "
    raise UserError(
        f"{table_label} has no column{'s' if is_plural else ''} {names}; {hint}its columns are "
        f"{_list_briefly(sorted(raw.columns))}; say which {'are' if is_plural else 'is'} meant in params.yaml, "
        f"prepare.<task>.columns: {{{', '.join(lines)}}}."
    )


def _list_briefly(names: Sequence[str], most: int = 30) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _rename(
    raw: pd.DataFrame, target_by_name: Mapping[str, str], columns: Sequence[Column], table_label: str
) -> pd.DataFrame:
    """Return the columns that have a target under its name; files of one table may spell it in several ways."""
    column_by_name = {column.name: column for column in columns}
    rows: dict[str, pd.Series] = {}
    for name, target in target_by_name.items():
        values = append_unit(raw[name], name, column_by_name[target])
        if target not in rows:
            rows[target] = values
            continue
        contradicts = rows[target].notna() & values.notna()
        contradicts &= rows[target].astype(str) != values.astype(str)
        if contradicts.any():
            names = " and ".join(repr(key) for key, value in target_by_name.items() if value == target)
            raise UserError(
                f"{table_label} has {names}, which are all {target} and differ in {int(contradicts.sum())} rows (first "
                f"row: {int(contradicts.to_numpy().argmax()) + 1}); remove all but one."
            )
        rows[target] = rows[target].where(rows[target].notna(), values)
    return pd.DataFrame(rows, index=raw.index)


def translate_values(values: pd.Series, translation: Mapping[str | int | float | bool, object]) -> pd.Series:
    """Return a column with the values that a translation names, in any case, replaced by ours; "" is an empty cell."""
    translated = {str(value).strip().lower(): target for value, target in translation.items()}
    keys = values.astype("string").str.strip().str.lower()
    if "" in translated:
        keys = keys.fillna("")
    is_translated = keys.isin(list(translated)).fillna(False)
    return values.astype(object).mask(is_translated, keys.map(translated).astype(object))
