"""Names explain themselves: functions are verb and noun, locals say what they hold, a file name occurs once.

The bounds are a ratchet: they may only be tightened, to what is reached.
"""

import ast
from collections import Counter
from collections.abc import Iterator

from tests.pipeline_copy import ROOT

MAX_ONE_WORD, MIN_VERB_FIRST, MAX_VAGUE, MAX_REPEATED_FILES = 0.05, 0.90, 0.002, 6
PRODUCT = [file for package in ("trueline", "stages") for file in sorted((ROOT / package).rglob("*.py"))]
CONTRACT = {
    "fit",
    "score",
    "save",
    "load",
    "main",
    "read",
    "build",
    "apply",
    "check",
    "prepare",
    "compare",
    "transform",
    "recognize",
    "convert",
}
VAGUE = """
found told said asked held kept known taken given made seen put one other another each some every own here there who
what word words thing things much many whole rest place places part parts side sides way now then again once only
others first second mine theirs ours both it
"""
VERBS = """
get set make build compute check is has to from read write load save fit predict transform validate parse format
render plot run add create update find resolve convert prepare apply init select drop fill encode score evaluate
return handle process generate list filter merge join split sort collect fetch extract normalize infer ensure wrap
raise register call show print open close start stop take count sum clean compare match append clear publish send
sample pick choose group rank query push assign wait spawn restore bootstrap describe display report copy assert
estimate iterate iter replace rename cast align store inject retrieve skip deduplicate unpack pack aggregate
summarise summarize subsample stratify calibrate tune train learn promote demote archive rollback invalidate sync
detect explain localise localize require remove delete move draw simulate plan grade price quote settle lock hash
verify audit resample shuffle cluster tokenise tokenize vectorise vectorize smooth shrink weight combine expand
flatten index lookup look record log emit notify serve answer refuse reject accept cancel retry schedule poll watch
walk visit trim truncate round clip mask flag label name quantise quantize interpolate integrate solve minimise
minimize maximise maximize optimise optimize search propose suggest ask tell
"""


def function_names() -> list[str]:
    """Return the names of all functions of the product but special methods and those that a plugin contract sets."""
    nodes = (node for file in PRODUCT for node in ast.walk(ast.parse(file.read_text())))
    names = (node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [name for name in names if not name.startswith("__") and name not in CONTRACT]


def stored_names() -> Iterator[str]:
    """Yield the name of every argument and every variable that is assigned."""
    for file in PRODUCT:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield from (argument.arg for argument in node.args.args + node.args.kwonlyargs)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def share(names: list[str], counted: list[str]) -> float:
    return len(counted) / len(names)


def test_few_functions_have_a_name_of_one_word() -> None:
    names = function_names()
    one_word = [name for name in names if "_" not in name.strip("_")]
    assert share(names, one_word) <= MAX_ONE_WORD, one_word


def test_functions_begin_with_a_verb() -> None:
    names = function_names()
    assert share(names, [name for name in names if name.strip("_").split("_")[0] in VERBS.split()]) >= MIN_VERB_FIRST


def test_locals_and_arguments_say_what_they_hold() -> None:
    names = list(stored_names())
    vague = [name for name in names if name.strip("_") in VAGUE.split()]
    assert share(names, vague) <= MAX_VAGUE, Counter(vague).most_common(20)


def test_a_file_name_occurs_once_but_where_a_plugin_contract_repeats_a_word() -> None:
    names = Counter(file.stem.lstrip("_") for file in PRODUCT if file.stem not in ("__init__", "__main__"))
    repeated = sorted(name for name, count in names.items() if count > 1)
    assert len(repeated) <= MAX_REPEATED_FILES, repeated


def test_every_folder_of_the_product_says_what_it_holds() -> None:
    folders = {file.parent for file in PRODUCT}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
    silent = [folder for folder in folders if not ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))]
    assert silent == []
