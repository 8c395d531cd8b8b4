"""Planted texts whose tags follow from their words, and the smallest settings with which each learner finds them."""

from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from trueline.core.runtime.plugins import load_plugin
from trueline.core.splits.fold_data import Floats, FoldData
from trueline.core.stats.group_ops import encode_groups

SEED = 7
TAGS = ("jazz", "yoga", "market", "film")
SIGNS = {"jazz": ["saxophone", "swing"], "yoga": ["mat", "breath"], "market": ["stall", "seller"], "film": ["screen"]}
FILLER = [f"filler{number}" for number in range(60)]
LINEAR: dict[str, Any] = {
    "word_ngrams": 1, "char_ngrams": 4, "max_features": 3000, "min_rows": 2, "length": 2000, "l2": 0.1,
    "names": "ignored", "names_shrinkage": 2.0,
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "words": 1000, "min_rows": 2, "length": 60, "embedding": 16, "hidden": 16, "hidden_last": 8, "dropout": 0.1,
    "learning_rate": 0.02, "batch": 32, "epochs": 25, "held_out": 0.2, "stop_after": 6, "halve_after": 3,
    "names": "ignored", "names_shrinkage": 2.0,
}  # fmt: skip


def load_learner_settings(word: str, **changed: Any) -> Any:
    """Return a learner's settings, with some changed."""
    return load_plugin("train", word).Settings(**{"tfidf_linear": LINEAR, "text_network": NETWORK}[word] | changed)


def planted(seed: int, count: int = 200, noise: float = 0.0) -> FoldData:
    """Return rows in groups of two; a tag is given where one of its words stands, or the other way round at `noise`.

    In one text in eight of a tag its own name stands too.
    """
    random, texts = np.random.default_rng(seed), []
    y = (random.random((count, len(TAGS))) < 0.35).astype(float)
    for given in y:
        words = list(random.choice(FILLER, 10))
        words += [str(random.choice(SIGNS[tag])) for tag, own in zip(TAGS, given, strict=True) if own]
        words += [tag.title() for tag, own in zip(TAGS, given, strict=True) if own and random.random() < 1 / 8]
        texts.append(f"xxname {' '.join(random.permutation(words))}")
    turned = random.random(y.shape) < noise
    return tagged(texts, np.where(turned, 1 - y, y))


def without_blanks(rows: FoldData) -> FoldData:
    """Return the rows with two Han letters for each word, and no blanks between words."""
    words = [text.split()[1:] for text in rows.x["text"]]
    written = ["".join(map(_write_word, text)) for text in words]
    return replace(rows, x=rows.x.assign(text=[f"xxname {text}" for text in written]))


SYLLABLES = {  # the consonants of a script, the vowels and tones that combine with them, and what separates words
    "Thai": ("กขคงจชซดตถทนบปผพมยรลวสห", ["", "ั", "ิ", "ี", "ุ", "า", "้า", "่"], ""),
    "Lao": ("ກຂຄງຈຊຍດຕຖທນບປຜພມຢຣລວສຫ", ["", "ັ", "ິ", "ີ", "ຸ", "າ", "້າ", "່"], ""),
    "Khmer": ("កខគងចជញដតថទនបផពមយរលវសហ", ["", "ា", "ិ", "ី", "ុ", "ូ", "្ត", "្រា"], ""),
    "Burmese": ("ကခဂငစဆညတထဒနပဖဗမယရလဝသဟ", ["", "ာ", "ိ", "ီ", "ု", "ူ", "်", "ြာ"], ""),
    "Japanese": ("あいうえおかきくけこさしすせそたちつてとなに", ["", "ん", "音", "楽", "会", "園", "ー", "夜"], ""),
    "Hindi": ("कखगघचजझटडतथदनपबमयरलवशसह", ["", "ा", "ि", "ी", "ु", "ू", "्र", "ें"], " "),
    "Tamil": ("கஙசஞடணதநபமயரலவழளறன", ["", "ா", "ி", "ீ", "ு", "ூ", "்", "ெ"], " "),
    "Arabic with marks": ("بتثجحخدذرزسشصضطظعغفقكلمنهي", ["", "َ", "ِ", "ُ", "ّ", "ً", "ٍ", "ْ"], " "),
    "Korean": ("가나다라마바사아자차카타파하거너더러머버서어", ["", "는", "을", "의", "와", "에", "서", "도"], " "),
}


def written_in(rows: FoldData, script: str) -> FoldData:
    """Return the rows with three syllables of a script for each word, separated as that script separates words."""
    consonants, vowels, separator = SYLLABLES[script]
    syllables = [consonant + vowel for consonant in consonants for vowel in vowels]

    def write_word(word: str) -> str:
        code = crc32(word.encode())
        return "".join(syllables[code // len(syllables) ** place % len(syllables)] for place in range(3))

    written = [separator.join(map(write_word, text.split()[1:])) for text in rows.x["text"]]
    return replace(rows, x=rows.x.assign(text=[f"xxname {text}" for text in written]))


def _write_word(word: str) -> str:
    code = crc32(word.encode())
    return chr(0x4E00 + code % 500) + chr(0x5500 + code // 500 % 500)


def tagged(texts: list[Any], y: Any, tags: tuple[str, ...] = TAGS) -> FoldData:
    """Return rows of texts with their tags, the columns that say which name stands, and a light number."""
    said = {f"says:{tag}": [int(tag in str(text).lower()) for text in texts] for tag in tags}
    x = pd.DataFrame({"words": [float(len(str(text).split())) for text in texts], "text": texts, **said})
    x["text"] = x["text"].astype(object)
    n, group = len(texts), np.arange(len(texts)) // 2
    time = np.full(n, np.datetime64("2024-01-01", "us"))
    return FoldData(
        x, np.array(y, float).reshape(n, len(tags)), np.full(n, np.nan), group, time, np.ones(n), np.arange(n), tags
    )


def weighed(rows: FoldData, weight: Any) -> FoldData:
    """Return the rows at other weights."""
    return replace(rows, weight=np.asarray(weight, float))


def doubled(rows: FoldData) -> FoldData:
    """Return every row twice."""
    twice = np.repeat(np.arange(len(rows.y)), 2)
    parts = {name: value[twice] for name, value in vars(rows).items() if name not in ("x", "tags", "word_vectors")}
    parts["group"] = encode_groups(pd.Series(parts["group"]))
    return replace(rows, x=rows.x.iloc[twice].reset_index(drop=True), **parts)


def hits(score: Floats, y: Floats) -> float:
    """Return the share of rows and tags told right at even odds."""
    return float(((score > 0) == y).mean())
