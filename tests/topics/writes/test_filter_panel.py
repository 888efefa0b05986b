"""The Bloom filter playground: the engine's own filter, never a false no, and errors as the formula says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prayog_writes.engine.bloom import build_filters, false_positive_rate, hash_keys
from prayog_writes.panels.filter_lab import FilterLab, absent_hashes, expected, measured

KEYS = [f"order{number:05d}" for number in range(40)]


def test_it_is_the_filter_that_the_engine_writes() -> None:
    lab = FilterLab(10, 0, KEYS)
    block = build_filters(hash_keys([key.encode() for key in KEYS]), np.zeros(len(KEYS), np.int64), 10)
    assert np.packbits(lab.array, bitorder="little").tobytes() == block[: lab.size // 8]
    assert block[lab.size // 8] == lab.hashes


@given(
    st.integers(1, 20), st.integers(0, 16), st.lists(st.text(max_size=9), max_size=60, unique=True), st.text(max_size=9)
)
def test_a_no_is_certain(bits: int, hashes: int, keys: list[str], other: str) -> None:
    lab = FilterLab(bits, hashes, keys)
    assert all(lab.may_hold(key) for key in keys)
    assert len(lab.places(other)) == lab.hashes
    assert lab.may_hold(other) == all(lab.array[place] for place in lab.places(other))
    assert lab.holds(other) == (other in keys)


@pytest.mark.parametrize("hashes", [0, 1, 4, 12])
def test_measured_errors_lie_on_the_curve_of_the_formula(hashes: int) -> None:
    names = [f"order{number:05d}" for number in range(2_000)]
    for bits, share in measured(hashes, names, 12):
        assert share == pytest.approx(expected(bits, hashes), abs=0.03)
    assert expected(10, 0) == false_positive_rate(10)


def test_one_filter_and_the_curve_agree() -> None:
    assert FilterLab(9, 3, KEYS).measured(absent_hashes()) == dict(measured(3, KEYS, 10))[9]


def test_an_empty_filter_says_no_to_everything() -> None:
    lab = FilterLab(10, 0, [])
    assert not lab.may_hold("asha")
    assert lab.measured(absent_hashes()) == 0.0


def test_a_key_is_tried_and_added(bench: Any, qtbot: QtBot) -> None:
    bench.open("first_write")
    panel = bench.panel("filter")
    bench.until(lambda: panel._job is None)
    assert panel._bits.value() == bench.page.host.params.bloom_bits
    assert "certainly not here" in panel._verdict.text()
    assert panel._verdict.text().count("✗") >= 1
    assert all(str(place) in panel._grid.accessibleDescription() for place in panel._lab.places("asha"))
    panel._key.setFocus()
    qtbot.keyClick(panel._key, Qt.Key.Key_Return)
    bench.until(lambda: panel._job is None)
    assert "it was added" in panel._verdict.text()
    assert "✗" not in panel._verdict.text()
    panel._bits.setValue(1)
    panel._hashes.setValue(1)
    panel._keys.setValue(300)
    bench.until(lambda: panel._job is None)
    liar = next(f"absent{n}" for n in range(1_000) if panel._lab.may_hold(f"absent{n}"))
    panel._key.setText(liar)
    assert "A false positive" in panel._verdict.text()
    assert [share for _, share in panel._curve] == [share for _, share in measured(1, panel._names(), 20)]
