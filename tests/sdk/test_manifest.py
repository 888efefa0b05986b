"""`plugin.toml`: mistakes are sentences with a line; nothing is imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from prayog_sdk import manifest
from prayog_sdk.manifest import ManifestError, incompatible, read, read_folder

GOOD = """\
id = "gossip"
api = "1.0"
title = "Gossip"
summary = "How a rumour reaches everyone."
module = "prayog_gossip.topic"
needs = ["postgres"]
"""


def test_a_good_card_has_everything() -> None:
    card = read(GOOD.encode(), "plugin.toml")
    assert (card.id, card.api, card.needs, card.languages) == ("gossip", (1, 0), ("postgres",), ("en",))
    assert incompatible(card) is None


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("summary =", "sumary =", 0, "summary is missing"),
        ('needs = ["postgres"]', "ned = 3", 6, "there is no key 'ned'; did you mean needs?"),
        ('needs = ["postgres"]', 'needs = "postgres"', 6, "list of words"),
        ('"gossip"', '"Gossip!"', 1, "id must be a short word"),
        ('"1.0"', "1.0", 2, "api must be a version"),
        ('"prayog_gossip.topic"', '"prayog-gossip"', 5, "dotted module name"),
        ('title = "Gossip"', "title = Gossip", 3, "this is not TOML"),
        ('needs = ["postgres"]', 'languages = ["hi-Latn"]', 6, '"en"'),
    ],
)
def test_mistakes_name_the_line(old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(GOOD.replace(old, new).encode(), "plugin.toml")
    assert words in caught.value.sentence
    assert caught.value.line == line
    assert str(caught.value).startswith("plugin.toml")


def test_another_api_is_a_sentence_that_says_which_side_to_update() -> None:
    newer = read(GOOD.replace('"1.0"', '"1.7"').encode() + b"\nshine = 1\n", "plugin.toml")
    assert str(incompatible(newer)).endswith("Update the lab.")
    older = read(GOOD.replace('"1.0"', '"0.9"').encode(), "plugin.toml")
    assert "authors" in str(incompatible(older))


def test_not_text_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="UTF-8"):
        read(b"\xff\xfe\x00", "plugin.toml")
    with pytest.raises(ManifestError, match="prayog new"):
        read_folder(tmp_path)


def test_every_required_key_has_an_example() -> None:
    required = [key for key, (must, _) in manifest.KEYS.items() if must]
    for key in required:
        text = "\n".join(line for line in GOOD.splitlines() if not line.startswith(f"{key} "))
        with pytest.raises(ManifestError, match=f"{key} is missing; add, for example: {key} = "):
            read(text.encode(), "plugin.toml")


def test_reading_imports_nothing(tmp_path: Path) -> None:
    package = tmp_path / "prayog_trap"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "plugin.toml").write_text(GOOD.replace("prayog_gossip", "prayog_trap"))
    assert read_folder(tmp_path).folder == package
    assert "prayog_trap" not in sys.modules
