"""What is looked at in a topic's files without running them: what they import, and colours written by hand.

A topic that is dropped into an installed lab brings nothing with it: it has the standard library and what the lab
itself is installed with.  A colour of its own is right in one theme and unreadable in the other.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["GROUNDS", "chancy", "contrast", "hand_made_colours", "names_in", "unknown_imports"]

GROUNDS = {"light": "#ffffff", "dark": "#161b22"}
"""What panels are painted on, nearly; the exact grounds are in `prayog_sdk.qt.theme`."""
_LEAST = 3.0  # WCAG 2.2, 1.4.11: graphical objects and parts of controls
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@cache
def _lab_has() -> frozenset[str]:
    """Top-level modules of the packages that the lab asks for without an extra."""
    wanted = {"prayog"}
    for line in importlib.metadata.requires("prayog") or ():
        name, _, marker = line.partition(";")
        if "extra" not in marker:
            wanted.add(re.split(r"[\s<>=!~\[(]", name.strip())[0].lower().replace("_", "-"))
    found = {"prayog_sdk", "prayog_sim", "prayog_resources", "PySide6", "shiboken6"}
    for module, packages in importlib.metadata.packages_distributions().items():
        if any(package.lower().replace("_", "-") in wanted for package in packages):
            found.add(module)
    return frozenset(found)


def unknown_imports(package: Path) -> Iterator[tuple[str, str, int]]:
    """``(module, file, line)`` of every import of something that the lab does not have.

    An import that is tried (inside ``try: … except ImportError``) may fail, so it is left out.
    """
    for file in sorted(package.rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
        tried = {id(inner) for node in ast.walk(tree) if _survives(node) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if id(node) in tried:
                continue
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                top = name.partition(".")[0]
                if top not in sys.stdlib_module_names | _lab_has() | {package.name, "__future__"}:
                    yield top, file.relative_to(package).as_posix(), node.lineno  # type: ignore[attr-defined] # an import


def names_in(module: str) -> set[str]:
    """What `module` names at its top level: classes, functions, assignments, imports.  It is read, not imported."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return set()
    found: set[str] = set()
    for node in ast.parse(Path(spec.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update(alias.asname or alias.name for alias in node.names)
    return found


_CHANCE = {"time", "random", "secrets", "uuid", "datetime"}


def chancy(package: Path) -> list[str]:
    """``file:line (what)`` of what may differ from one run to the next: clocks, chance, ``hash()``, walks over sets."""
    places: list[str] = []
    for file in sorted(package.rglob("*.py")):
        inside = file.relative_to(package)
        if {"panels", "tests", "real"} & set(inside.parts):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if what := _by_chance(node):
                places.append(f"{inside.as_posix()}:{node.lineno} ({what})")  # type: ignore[attr-defined] # it has one
    return places


def _by_chance(node: ast.AST) -> str:
    if isinstance(node, ast.Import):
        return next((f"import {alias.name}" for alias in node.names if alias.name in _CHANCE), "")
    if isinstance(node, ast.ImportFrom):
        return f"from {node.module} import …" if node.module in _CHANCE else ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("hash", "id"):
        return f"{node.func.id}()"
    if isinstance(node, ast.For | ast.comprehension) and _is_set(node.iter):
        return "a walk over a set" if isinstance(node, ast.For) else ""
    return ""


def _is_set(node: ast.expr) -> bool:
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return called or isinstance(node, ast.Set | ast.SetComp)


def _survives(node: ast.AST) -> bool:
    if not isinstance(node, ast.Try):
        return False
    caught = [name for handler in node.handlers if handler.type for name in ast.walk(handler.type)]
    return any(isinstance(name, ast.Name) and name.id in ("ImportError", "ModuleNotFoundError") for name in caught)


def hand_made_colours(package: Path) -> Iterator[tuple[str, str, float, str, int]]:
    """``(colour, theme, contrast, file, line)`` of colours in panels that cannot be seen in one of the themes."""
    panels = package / "panels"
    for file in sorted(panels.rglob("*.py")) if panels.is_dir() else ():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _COLOUR.fullmatch(node.value):
                for theme, ground in GROUNDS.items():
                    if (ratio := contrast(node.value, ground)) < _LEAST:
                        yield node.value, theme, ratio, file.relative_to(package).as_posix(), node.lineno


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours ``#rrggbb``, 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
