"""What every test of widgets needs: the shipped fonts and the light theme."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent))  # `fakebench` is shared with the preview, which is a script

import pytest
from PySide6.QtWidgets import QApplication

from prayog_sdk.qt import theme


@pytest.fixture(scope="session")
def _fonts(qapp):
    theme.load_fonts()


@pytest.fixture(autouse=True)
def _look(qapp, _fonts):
    theme.apply(qapp, theme.light)
    yield
    theme.apply(QApplication.instance(), theme.light)


@pytest.fixture
def look(qapp):
    """Put on another theme or text size for the rest of the test."""

    def put_on(which=theme.light, percent=100):
        theme.apply(qapp, which, percent)

    return put_on
