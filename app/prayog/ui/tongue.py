"""The language of the lab's own words: a gettext catalogue behind Qt's `tr`, so that no text of the shell knows of it.

``resources/prayog_resources/languages/LANGUAGE.po`` is read as it is: translators edit that one file, with any editor
for such files, and nothing has to be compiled.  What is not in it stays English.  Numbers and names are put into a text
after it was translated, so the names in braces must be the same.
"""

from __future__ import annotations

import ast

from PySide6.QtCore import QObject, QTranslator
from PySide6.QtWidgets import QApplication

import prayog_resources

__all__ = ["Tongue", "entries"]


class Tongue(QTranslator):
    """One language; `speak` puts it on the application, `hush` takes it off."""

    def __init__(self, lang: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.lang = lang
        self._words = entries(prayog_resources.read_text("languages", f"{lang}.po")) if lang != "en" else {}

    def speak(self, app: QApplication) -> None:
        """From now on; widgets hear of it as a change of language."""
        if self._words:
            app.installTranslator(self)

    def hush(self, app: QApplication) -> None:
        if self._words:
            app.removeTranslator(self)

    def isEmpty(self) -> bool:
        return not self._words

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return self._words.get(text)  # type: ignore[return-value] # None is a null string: Qt asks on


def entries(catalogue: str) -> dict[str, str]:
    """The texts of a ``.po`` file and their translations.  Raises `ValueError` with the line that is none."""
    found: dict[str, str] = {}
    parts = {"msgid": "", "msgstr": ""}
    word = ""
    for number, line in enumerate([*catalogue.splitlines(), ""], 1):
        key, _, quoted = line.partition(" ")
        if key in parts:
            word, parts[key] = key, ""
        elif line.startswith('"') and word:
            quoted = line
        elif not line or line.startswith("#"):
            if parts["msgid"] and parts["msgstr"]:
                found[parts["msgid"]] = parts["msgstr"]
            parts, word = {"msgid": "", "msgstr": ""}, ""
            continue
        else:
            raise ValueError(f"line {number} of the catalogue is neither msgid, msgstr, a text nor a comment: {line!r}")
        parts[word] += ast.literal_eval(quoted)  # a text of a .po file is written as Python writes one
    return found
