"""What the probe predicted for the chosen strategy beside what happened, as lines of a table.  No Qt."""

from __future__ import annotations

from prayog_migration.panels.course import Course
from prayog_migration.panels.words import count_in_words, seconds_in_words

__all__ = ["scores"]


def scores(course: Course) -> list[list[str]]:
    """[what, predicted, measured, remark] for each figure that was measured; a prediction that is lacking is “–”."""
    found = course.forecast(str(course.started.get("strategy", "")))
    lines = [_freeze(course), _duration(course), _speed(course), _risk(course), _back(course)]
    known = {
        "freeze": seconds_in_words(found.get("freeze_s")) if found else "–",
        "duration": seconds_in_words(found.get("duration_s")) if found else "–",
        "speed": f"{count_in_words(course.probed['rows_s'])} rows/s" if course.probed.get("rows_s") else "–",
        "risk": f"{found['at_risk']:,} rows at risk" if found else "–",
        "back": ("possible" if found["way_back"] else "none") if found else "–",
    }
    titles = {"freeze": "Freeze", "duration": "Work of the wizard", "speed": "Speed of the copy", "risk": "Lost rows",
              "back": "Way back"}  # fmt: skip
    return [[titles[name], known[name], *line] for name, line in zip(titles, lines, strict=True) if line is not None]


def _freeze(course: Course) -> list[str] | None:
    frozen = [one.freeze_us for one in course.switches if one.freeze_us is not None]
    if not frozen:
        return None
    more = f"the first of {len(frozen)} changes of sides; " if len(frozen) > 1 else ""
    return [seconds_in_words(frozen[0] / 1e6), f"{more}from the fence to the promotion"]


def _duration(course: Course) -> list[str] | None:
    parts = {name: course.took[name] for name in ("copy", "validate", "catch up") if name in course.took}
    if "copy" not in parts:
        return None
    words = " + ".join(f"{name} {seconds_in_words(us / 1e6)}" for name, us in parts.items())
    return [seconds_in_words(sum(parts.values()) / 1e6), words]


def _speed(course: Course) -> list[str] | None:
    rows, _ = course.rows
    if "copy" not in course.took or not rows:
        return None
    speed = rows / max(1e-6, course.took["copy"] / 1e6)
    return [f"{count_in_words(speed)} rows/s", "all tables, with what capturing costs; small tables are slow to begin"]


def _risk(course: Course) -> list[str] | None:
    if not course.balance:
        return None
    return [f"{course.balance['lost']} lost", f"{course.quarantined:,} set aside, each with its reason"]


def _back(course: Course) -> list[str] | None:
    back = sum(one.to == "source" and one.freeze_us is not None for one in course.switches)
    return [f"taken {back} times" if back != 1 else "taken once", ""] if back else None
