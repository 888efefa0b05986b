"""The learner's own files: good rows are kept, every fault has a line and a sentence, nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prayog_location.engine import csv_file, readers
from prayog_location.engine.places import load_places
from prayog_location.engine.readers import Loaded, read_file


def read(folder: Path, content: str | bytes, *, swap: bool = False) -> Loaded:
    path = folder / "places.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, swap=swap)


@pytest.mark.parametrize(
    "content",
    [
        "name,lat,lon\nIndore,22.7196,75.8577\nDelhi,28.6139,77.2090\n",
        "lon;lat;name\r\n75.8577;22.7196;Indore\r\n77.2090;28.6139;Delhi\r\n",
        "Longitude\tLatitude\tCity\n75,8577\t22,7196\tIndore\n77,2090\t28,6139\tDelhi",
        '"Name"|"Y"|"X"\n"Indore"|"22.7196"|"75.8577"\n"Delhi"|"28.6139"|"77.2090"\n',
        "\ufefflatitude (deg),lng,title\n+22.7196,75.8577,Indore\n\n28.6139 , 77.2090,Delhi\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_csv_in_all_its_dialects(tmp_path: Path, content: str, encoding: str) -> None:
    loaded = read(tmp_path, content.encode(encoding))
    assert loaded.problems == ()
    assert loaded.names == ("Indore", "Delhi")
    assert loaded.points.lat.tolist() == [22.7196, 28.6139]
    assert loaded.points.lon.tolist() == [75.8577, 77.209]


def test_bad_rows_are_named_by_line_and_the_rest_loads(tmp_path: Path) -> None:
    loaded = read(
        tmp_path,
        "name,lat,lon\n"
        "Indore,22.7,75.8\n"
        "no longitude,22.7\n"
        "words,north,75.8\n"
        "empty,,75.8\n"
        "\n"
        "beyond,91,75.8\n"
        "far,22,190\n"
        "nan,nan,1\n"
        '"two\nlines",23.2,77.4\n'
        "comma,22,7,75,8\n"
        "last,28.6,77.2\n",
    )
    assert loaded.names == ("Indore", "two\nlines", "last")
    said = {p.line: p.sentence for p in loaded.problems}
    assert sorted(said) == [3, 4, 5, 7, 8, 9, 12]
    assert said[3].startswith("The row has 2 of 3 columns")
    assert "latitude must be a decimal number; found 'north'" in said[4]
    assert "found nothing" in said[5]
    assert said[7].startswith("Latitude 91 is not between -90 and 90")
    assert said[8].startswith("Longitude 190")
    assert "decimal commas" in said[12]


def test_decimal_commas_in_a_comma_file_are_explained(tmp_path: Path) -> None:
    loaded = read(tmp_path, "lat,lon\n22,7196,75,8577\n")
    assert len(loaded.points) == 0
    assert "Separate it by semicolons" in loaded.problems[0].sentence


def test_files_without_header_or_without_columns(tmp_path: Path) -> None:
    loaded = read(tmp_path, "Indore;22,7196;75,8577\nDelhi;28,6139;77,2090\n")
    assert loaded.points.lat.tolist() == [22.7196, 28.6139]
    assert loaded.names == ("Indore", "Delhi")
    assert "has no header; column 2 was taken for the latitude" in loaded.problems[0].sentence
    loaded = read(tmp_path, "shop,street\na,b\n")
    assert "No columns for latitude and longitude" in loaded.problems[0].sentence
    assert "'shop', 'street'" in loaded.problems[0].sentence


def towns(swapped: bool) -> list[list[float]]:
    points = load_places("IN", 200).points
    pairs = np.column_stack([points.lat, points.lon] if swapped else [points.lon, points.lat])
    return [[float(a), float(b)] for a, b in pairs]


def features(pairs: list[list[float]]) -> str:
    return json.dumps(
        {
            "type": "FeatureCollection",
            "features": [{"type": "Feature", "geometry": {"type": "Point", "coordinates": p}} for p in pairs],
        }
    )


def test_swapped_axes_are_recognised_said_and_repaired(tmp_path: Path) -> None:
    loaded = read(tmp_path, features(towns(swapped=True)))
    assert loaded.swapped
    assert "GeoJSON wants the longitude first" in loaded.problems[0].sentence
    assert "would the other way round" in loaded.problems[0].sentence
    repaired = read(tmp_path, features(towns(swapped=True)), swap=True)
    assert (repaired.swapped, repaired.problems) == (False, ())
    assert ((repaired.points.lat > 6) & (repaired.points.lat < 36)).all()
    right = read(tmp_path, features(towns(swapped=False)))
    assert (right.swapped, right.problems) == (False, ())


def test_latitudes_beyond_the_pole_are_evidence_too(tmp_path: Path) -> None:
    loaded = read(tmp_path, "lat,lon\n" + "".join(f"{150 + i / 10},{-33 + i / 10}\n" for i in range(20)))
    assert loaded.swapped
    assert "20 of 20 rows the latitude is beyond 90" in loaded.problems[0].sentence
    assert len(read(tmp_path, "lat,lon\n150.5,-33\n", swap=True).points) == 1


def test_every_country_is_right_as_it_is(tmp_path: Path) -> None:
    """No false alarm: the real towns of a country are not taken for swapped."""
    places = load_places()
    for code in np.unique(places.country)[::7]:
        rows = np.flatnonzero(places.country == code)[:50]
        pairs = np.column_stack([places.points.lon[rows], places.points.lat[rows]]).tolist()
        assert not read(tmp_path, features(pairs)).swapped, code


def test_geojson_of_every_shape(tmp_path: Path) -> None:
    square = [[[70, 20], [80, 20], [80, 30], [70, 30], [70, 20]], [[74, 24], [76, 24], [76, 26], [74, 26]]]
    collection = {
        "type": "FeatureCollection",
        "crs": {"features": ["a decoy"]},
        "features": [
            {
                "type": "Feature",
                "properties": {"name": "Indore"},
                "geometry": {"type": "Point", "coordinates": [75.8577, 22.7196, 553]},
            },
            {"type": "Feature", "geometry": {"type": "MultiPoint", "coordinates": [[77, 28], [72, 19]]}},
            {"type": "FeatureCollection", "features": [{"type": "Point", "coordinates": [1, 2]}]},
            {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": square}},
            {
                "type": "GeometryCollection",
                "geometries": [{"type": "MultiPolygon", "coordinates": [square, [[[0, 0], [1, 0], [1, 1]]]]}],
            },
        ],
    }
    loaded = read(tmp_path, json.dumps(collection))
    assert loaded.problems == ()
    assert loaded.names == ("Indore", "", "", "")
    assert loaded.points.lat.tolist() == [22.7196, 28.0, 19.0, 2.0]
    assert loaded.polygons[0].contains(np.array([22.0, 25.0]), np.array([72.0, 75.0])).tolist() == [True, False]
    assert loaded.polygons[1].contains(np.array([22.0, 0.3]), np.array([72.0, 0.7])).tolist() == [True, True]
    for other in (
        {"type": "Point", "coordinates": [75, 22]},
        [{"type": "Point", "coordinates": [75, 22]}],
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [75, 22]}},
    ):
        assert read(tmp_path, json.dumps(other)).points.lat.tolist() == [22.0]
    lines = '{"type":"Point","coordinates":[75,22]}\n{"type":"Point","coordinates":[76,23]}\n'
    assert read(tmp_path, lines).points.lat.tolist() == [22.0, 23.0]


def test_bad_features_are_named_by_line(tmp_path: Path) -> None:
    bad = [
        '{"type":"Feature","geometry":null}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":[75]}}',
        '{"type":"Feature","geometry":{"type":"Point","coordinates":["75","22"]}}',
        '{"type":"Point","coordinates":[NaN,22]}',
        '{"type":"Point","coordinates":[75,122]}',
        '{"type":"LineString","coordinates":[[1,2],[3,4]]}',
        '{"type":"Polygon","coordinates":[[[1,2],[3,4]]]}',
        '{"type":"Polygon","coordinates":[[[1,2],[3,4],["x",5]]]}',
        '{"type":"Nonsense"}',
        "17",
        '{"type":"Point","coordinates":[true,false]}',
        '{"type":"Polygon","coordinates":null}',
    ]
    good = '{"type":"Point","coordinates":[75,22]}'
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join([*bad, good]) + "\n]}"
    loaded = read(tmp_path, text)
    assert len(loaded.points) == 1
    assert [p.line for p in loaded.problems] == list(range(2, 2 + len(bad)))
    cut = read(tmp_path, '{"type":"FeatureCollection","features":[\n' + good + ",\n" + good[:20])
    assert len(cut.points) == 1
    assert cut.problems[0].line == 3
    assert "not valid JSON" in cut.problems[0].sentence


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"features":' + b"[" * 100_000,
        b'{"type":"Point","coordinates":[' + b"1" * 6_000 + b",2]}",
        b'{"type":"Point","coordinates":[1e999,2]}',
        b'{"a"',
        b"{}",
        b"[]",
        b"lat,lon\n" + b'"' + b"x" * 400_000,
        b"lat,lon\n" + b"1," * 1_500_000,
        b"lat,lon\n\xff\xfe\xfd,1\n1,2\n",
        b"lat,lon\n" + b"bad,row\n" * 2_000,
        b'{"type":"GeometryCollection","geometries":[' * 200 + b"]}" * 200,
    ],
    ids=range(16),
)
def test_nasty_files_give_sentences_not_tracebacks(tmp_path: Path, content: bytes) -> None:
    loaded = read(tmp_path, content)
    assert len(loaded.points) <= 1
    assert 1 <= len(loaded.problems) <= readers.MOST_PROBLEMS + 2
    assert all(p.sentence.endswith((".", ".)")) and len(p.sentence) < 400 for p in loaded.problems)


@given(content=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_survived(tmp_path: Path, content: bytes) -> None:
    read(tmp_path, content)
    read(tmp_path, b"lat,lon\n" + content)
    read(tmp_path, b'{"features":[' + content)


def test_missing_files_folders_and_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "could not be read" in read_file(tmp_path / "none.csv").problems[0].sentence
    assert "is a folder" in read_file(tmp_path).problems[0].sentence
    monkeypatch.setattr(readers, "MOST_POINTS", 3)
    loaded = read(tmp_path, "lat,lon\n" + "1,2\n" * 10)
    assert len(loaded.points) == 3
    assert "more than 3 points" in loaded.problems[0].sentence
    monkeypatch.setattr(readers, "MOST_JSON_BYTES", 10)
    assert "larger than" in read(tmp_path, '{"type":"Point","coordinates":[1,2]}').problems[0].sentence
    monkeypatch.setattr(csv_file, "LONGEST_LINE", 64)
    loaded = read(tmp_path, "lat,lon\n" + "x" * 1_000 + "\n5,6\n")
    assert loaded.points.lat.tolist() == [5.0] if len(loaded.points) else False
