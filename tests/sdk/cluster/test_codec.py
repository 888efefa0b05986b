"""Messages cross a socket as values and as nothing else."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_consensus.engine.raft.messages import AppendEntries, Entry, Put
from prayog_sdk.cluster.codec import CodecError, decode, encode
from prayog_sdk.cluster.maelstrom import Body
from prayog_sdk.cluster.wire import Frames, framed

PACKAGES = ("prayog_consensus", "prayog_sdk.cluster")

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
values = st.recursive(
    plain,
    lambda inner: (
        st.tuples(inner, inner)
        | st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers(), st.text()), inner, max_size=3)
        | st.frozensets(st.integers(), max_size=3)
        | st.builds(Body, st.text())
    ),
    max_leaves=12,
)


@given(values)
def test_every_value_comes_back(value: Any) -> None:
    again = decode(json.loads(json.dumps(encode(value))), PACKAGES)
    assert again == value
    assert type(again) is type(value)


def test_nested_dataclasses_of_an_engine_come_back() -> None:
    msg = AppendEntries(3, 1, 1, (Entry(2, Put("c1", 1, "x", 7)), Entry(3, Put("c1", 2, "y", None))), 1)
    assert decode(json.loads(json.dumps(encode(msg))), PACKAGES) == msg


@pytest.mark.parametrize(
    "data",
    [
        {"!": "os:system", "v": {"command": "true"}},
        {"!": "subprocess:Popen", "v": {"args": ["true"]}},
        {"!": "prayog_consensus.engine.raft.server:Server", "v": {}},
        {"!": "prayog_sdk.cluster.maelstrom:json.loads", "v": {"s": "1"}},
        {"!": "prayog_sdk.cluster.maelstrom:Body", "v": {"nothing": 1}},
        {"!": "prayog_consensus_evil:Body", "v": {}},
        {"!": 3},
        {"x": 1},
        {"!": "bytes", "v": "zz"},
        {"!": "dict", "v": [[1]]},
    ],
)
def test_nothing_else_is_read(data: Any) -> None:
    with pytest.raises(CodecError):
        decode(data, PACKAGES)


def test_a_package_that_only_begins_alike_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    other = types.ModuleType("prayog_consensus_evil")
    other.Body = dataclass(frozen=True)(type("Body", (), {"__module__": other.__name__}))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, other.__name__, other)
    with pytest.raises(CodecError, match="not a class of this cluster"):
        decode({"!": "prayog_consensus_evil:Body", "v": {}}, PACKAGES)


def test_what_is_no_value_is_refused_with_a_sentence() -> None:
    with pytest.raises(CodecError, match="cannot be sent"):
        encode(object())


@given(st.lists(st.binary(max_size=50)), st.integers(1, 7))
def test_frames_are_cut_as_they_were_sent(messages: list[bytes], size: int) -> None:
    stream, frames = b"".join(map(framed, messages)), Frames()
    found = [frame for i in range(0, len(stream), size) for frame in frames.feed(stream[i : i + size])]
    assert found == messages
