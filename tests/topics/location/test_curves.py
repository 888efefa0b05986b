"""Z-order and Hilbert: one visit to each cell, runs that are exact and as few as possible."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_location.engine.curves import HILBERT, Z_ORDER, Curve, jump_lengths, window_runs

CURVES = pytest.mark.parametrize("curve", [Z_ORDER, HILBERT], ids=["z", "hilbert"])


@CURVES
@pytest.mark.parametrize("order", range(1, 7))
def test_every_cell_once_and_coarser_cells_are_prefixes(curve: Curve, order: int) -> None:
    number = np.arange(4**order)
    x, y = curve.decode(number, order)
    assert len({*zip(x.tolist(), y.tolist(), strict=True)}) == 4**order
    assert np.array_equal(curve.encode(x, y, order), number)
    assert np.array_equal(curve.encode(x >> 1, y >> 1, order - 1), number >> 2)


@CURVES
def test_fine_grids_come_back_too(curve: Curve) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 1 << 31, (2, 1_000))
    back = curve.decode(curve.encode(x, y, 31), 31)
    assert np.array_equal(back[0], x)
    assert np.array_equal(back[1], y)


def test_hilbert_never_jumps_and_z_does() -> None:
    assert jump_lengths(HILBERT, 5).tolist() == [1.0] * 1023
    assert jump_lengths(Z_ORDER, 5).max() == pytest.approx(np.hypot(31, 1))


@CURVES
@given(corners=st.tuples(*[st.integers(0, 31)] * 4))
@settings(max_examples=100, deadline=None)
def test_runs_are_the_window_exactly_and_fewest(curve: Curve, corners: tuple[int, int, int, int]) -> None:
    x0, x1 = sorted(corners[:2])
    y0, y1 = sorted(corners[2:])
    x, y = np.meshgrid(np.arange(x0, x1 + 1), np.arange(y0, y1 + 1))
    numbers = np.sort(curve.encode(x.ravel(), y.ravel(), 5))
    runs = window_runs(curve, (x0, y0, x1, y1), 5)
    assert np.array_equal(np.concatenate([np.arange(a, b) for a, b in runs]), numbers)
    assert len(runs) == 1 + int((np.diff(numbers) > 1).sum())
    coarse = window_runs(curve, (x0, y0, x1, y1), 5, finest=3)
    assert len(coarse) <= len(runs)
    assert set(numbers.tolist()) <= set(np.concatenate([np.arange(a, b) for a, b in coarse]).tolist())


def test_hilbert_needs_fewer_runs_on_average_but_not_always() -> None:
    rng = np.random.default_rng(3)
    windows = [(x, y, x + 7, y + 9) for x, y in rng.integers(0, 22, (200, 2)).tolist()]
    hilbert, z = (np.array([len(window_runs(c, w, 5)) for w in windows]) for c in (HILBERT, Z_ORDER))
    assert hilbert.mean() < 0.8 * z.mean()
    beaten = (2, 30, 9, 30)  # one row of eight cells
    assert len(window_runs(HILBERT, beaten, 5)) > len(window_runs(Z_ORDER, beaten, 5))
