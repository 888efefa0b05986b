"""What the conformance suite asks of a topic in which a learner writes code."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from prayog_sdk.testing import conformance, offered

CODED = Path(__file__).parents[2] / "plugins" / "coded" / "prayog_coded"


def test_a_topic_with_code_keeps_all_promises() -> None:
    assert [str(finding) for finding in conformance.check(CODED)] == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "    return n + 2\n",
            "    return n +\n",
            "the starter of double does not run: Line 3: this is not Python yet",
        ),
        ('title="Your function")] = ""', 'title="Your function")] = "x"', "the knob code holds code by default"),
        ("    return n + 2\n'''", "    return n + 2'''", "the starter of double must end with one line end"),
        ('"double", "code", "Double it"', '"double", "most", "Double it"', "the knobs marked Code are: code"),
    ],
)
def test_each_promise_is_broken_once_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, says: str
) -> None:
    broken = tmp_path / "prayog_coded"
    shutil.copytree(CODED, broken, ignore=shutil.ignore_patterns("__pycache__"))
    text = (broken / "topic.py").read_text()
    assert old in text
    (broken / "topic.py").write_text(text.replace(old, new))
    if "by default" in says:  # nothing needs to be run for that
        monkeypatch.setattr(conformance, "PROMISES", (offered.code,))
    assert says in "\n".join(str(finding) for finding in conformance.check(broken))
