"""Re-creates the vendored assets of `prayog_resources` from npm packages.

It exists so that everybody can see where each font, script and outline came from and make them again.
It asks the npm client for packages by name and version, so it follows whatever registry the developer has
configured, and it copies only the files that the lab uses.

Run it by hand (`python packaging/vendor_assets.py`) in an environment that has `fonttools`, `brotli` and
`numpy`, then look at the difference before committing. The lab itself never runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from fontTools import merge, subset
from fontTools.ttLib import TTFont

RESOURCES = Path(__file__).resolve().parent.parent / "resources" / "prayog_resources"

PACKAGES = {
    "leaflet": "1.9.3",
    "topojson-client": "3.1.0",
    "world-atlas": "2.0.2",
    "@expo-google-fonts/inter": "0.4.2",
    "jetbrains-mono": "1.0.6",
    "@expo-google-fonts/jetbrains-mono": "0.4.1",  # only for the text of the licence
    "@expo-google-fonts/noto-sans-math": "0.4.2",
    "@expo-google-fonts/noto-sans-symbols-2": "0.4.1",
    "@expo-google-fonts/noto-sans-symbols": "0.4.1",
}

COPIES = {  # (package, path inside it) -> path below prayog_resources
    ("leaflet", "dist/leaflet.js"): "leaflet/leaflet.js",
    ("leaflet", "dist/leaflet.css"): "leaflet/leaflet.css",
    ("leaflet", "LICENSE"): "leaflet/LICENSE-leaflet.txt",
    ("topojson-client", "dist/topojson-client.min.js"): "geo/topojson-client.min.js",
    ("topojson-client", "LICENSE"): "geo/LICENSE-topojson-client.txt",
    ("world-atlas", "countries-110m.json"): "geo/countries-110m.json",
    ("world-atlas", "countries-50m.json"): "geo/countries-50m.json",
    ("world-atlas", "LICENSE"): "geo/LICENSE-world-atlas.txt",
    ("@expo-google-fonts/inter", "400Regular/Inter_400Regular.ttf"): "fonts/Inter-Regular.ttf",
    ("@expo-google-fonts/inter", "500Medium/Inter_500Medium.ttf"): "fonts/Inter-Medium.ttf",
    ("@expo-google-fonts/inter", "600SemiBold/Inter_600SemiBold.ttf"): "fonts/Inter-SemiBold.ttf",
    ("@expo-google-fonts/inter", "LICENSE_FONT"): "fonts/OFL-Inter.txt",
    ("@expo-google-fonts/jetbrains-mono", "LICENSE_FONT"): "fonts/OFL-JetBrainsMono.txt",
    ("@expo-google-fonts/noto-sans-symbols", "LICENSE_FONT"): "fonts/OFL-NotoSansSymbols.txt",
    ("@expo-google-fonts/noto-sans-math", "LICENSE_FONT"): "fonts/OFL-NotoSansMath.txt",
}

# What Inter or JetBrains Mono lack and the lab's text uses: arrows, marks, keys, transport, sets and logic.
SYMBOLS = "⇐⇒⇑⇓⇔⇨⇦⇄⇅⟲⟳↻↺⟶⟵✓✗✕✘○●★☆⏎⎋␣⚠⚡⏱⏵⏸⏭⏮⏩⏪⏹∈∉∋∅∪∩⊂⊆⊃⊇∧∨∀∃∴∎⊕⊗≺≼"
SYMBOL_SOURCES = (  # first font that has the character wins
    ("@expo-google-fonts/noto-sans-math", "400Regular/NotoSansMath_400Regular.ttf"),
    ("@expo-google-fonts/noto-sans-symbols-2", "400Regular/NotoSansSymbols2_400Regular.ttf"),
    ("@expo-google-fonts/noto-sans-symbols", "400Regular/NotoSansSymbols_400Regular.ttf"),
)


def fetch(into: Path) -> dict[str, Path]:
    """Unpack every package of `PACKAGES` below `into` and return its folder by name."""
    folders = {}
    for name, version in PACKAGES.items():
        packed = subprocess.run(
            ["npm", "pack", f"{name}@{version}", "--silent"], cwd=into, check=True, capture_output=True, text=True
        )
        folder = into / name.replace("/", "-").lstrip("@")
        with tarfile.open(into / packed.stdout.split()[-1]) as archive:
            archive.extractall(folder, filter="data")
        folders[name] = folder / "package"
    return folders


def unpack_woff(source: Path, target: Path) -> None:
    """The same font tables without the web compression: Qt loads TTF, not WOFF2."""
    font = TTFont(source, recalcTimestamp=False)  # the same file from every run
    font.flavor = None
    font.save(target)


def build_symbols(packages: dict[str, Path], work: Path, target: Path) -> None:
    """A font of `SYMBOLS` only (the Noto sources are 2.4 MB), named Prayog Symbols."""
    wanted = {ord(c) for c in SYMBOLS}
    parts: list[str] = []
    for package, path in SYMBOL_SOURCES:
        font = TTFont(packages[package] / path, recalcTimestamp=False)
        here = wanted & set(font.getBestCmap())
        wanted -= here
        options = subset.Options(
            layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 13, 14], glyph_names=False
        )
        options.drop_tables += ["MATH", "GDEF", "GSUB", "GPOS", "meta", "STAT", "vhea", "vmtx"]
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=here)
        cutter.subset(font)
        for table, up, down in (("hhea", "ascent", "descent"), ("OS/2", "sTypoAscender", "sTypoDescender")):
            setattr(font[table], up, 984)  # Inter's line box in thousandths, so that a symbol
            setattr(font[table], down, -273)  # borrowed from this font makes no line taller
        font["OS/2"].usWinAscent, font["OS/2"].usWinDescent = 984, 273
        parts.append(str(work / f"symbols-{len(parts)}.ttf"))
        font.save(parts[-1])
    merged = merge.Merger().merge(parts)
    for record in merged["name"].names:
        if record.nameID in (1, 3, 4, 6):
            record.string = "Prayog Symbols" if record.nameID != 6 else "PrayogSymbols"
    merged["name"].setName("Prayog Symbols", 4, 3, 1, 0x409)
    merged["name"].setName("PrayogSymbols-Regular", 6, 3, 1, 0x409)
    merged["name"].setName("1.0;PrayogSymbols-Regular", 3, 3, 1, 0x409)
    merged.recalcTimestamp = False
    merged["head"].created = merged["head"].modified = font["head"].created  # not the time of this run
    merged.save(target)
    if wanted:
        print("no source has:", "".join(map(chr, sorted(wanted))))


def arcs_of(topology: dict[str, Any]) -> list[np.ndarray]:
    """TopoJSON arcs as (n, 2) degrees: quantised steps, added up, scaled and moved (TopoJSON 1.0, 2.1.3)."""
    scale, move = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc), axis=0) * scale + move for arc in topology["arcs"]]


def rings_of(geometry: dict[str, Any]) -> list[list[int]]:
    """Every ring (outer and hole alike) of a polygon geometry as a list of arc numbers."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return [ring for part in geometry["geometries"] for ring in rings_of(part)]
    if kind == "Polygon":
        return list(geometry["arcs"])
    if kind == "MultiPolygon":
        return [ring for polygon in geometry["arcs"] for ring in polygon]
    return []


def stitch(arcs: list[np.ndarray], numbers: list[int]) -> np.ndarray:
    """One line from arcs; `~n` is arc n backwards, and each arc starts where the last one ended."""
    parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])


def unwrap(line: np.ndarray) -> np.ndarray:
    """world-atlas has no cut at the date line: lines jump from 180 to -180. Let them run on instead, and close the
    one ring that goes round a pole (Antarctica) along that pole."""
    line = line.copy()
    line[:, 0] = np.unwrap(line[:, 0], period=360.0)
    if abs(line[-1, 0] - line[0, 0]) > 180.0:
        line = np.vstack([line, [[line[-1, 0], -90.0], [line[0, 0], -90.0]]])
    return line


def outline(packages: dict[str, Path], target: Path) -> None:
    """Rings of land and lines of country borders, for the map that has no web view.

    Arrays per resolution (110m, 50m): `land_*` and `borders_*`, int32 (n, 2), longitude and latitude in
    1e-4 degrees, each row the step from the row before (so that they compress to a third), and `*_ends`,
    int32, the index after the last point of each ring or line.
    """
    arrays: dict[str, np.ndarray] = {}
    for resolution in ("110m", "50m"):
        topology = json.loads((packages["world-atlas"] / f"countries-{resolution}.json").read_text())
        arcs = arcs_of(topology)
        land = [unwrap(stitch(arcs, ring)) for ring in rings_of(topology["objects"]["land"])]
        owners: dict[int, set[int]] = {}
        for country, geometry in enumerate(topology["objects"]["countries"]["geometries"]):
            for ring in rings_of(geometry):
                for number in ring:
                    owners.setdefault(number if number >= 0 else ~number, set()).add(country)
        borders = [unwrap(arcs[number]) for number, who in sorted(owners.items()) if len(who) > 1]
        for name, lines in (("land", land), ("borders", borders)):
            points = np.rint(np.concatenate(lines) * 1e4).astype(np.int32)
            arrays[f"{name}_{resolution}"] = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int32))
            arrays[f"{name}_{resolution}_ends"] = np.cumsum([len(line) for line in lines], dtype=np.int32)
    np.savez_compressed(target, **arrays)


def main() -> int:
    for folder in ("fonts", "leaflet", "geo"):
        (RESOURCES / folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        packages = fetch(work)
        for (package, path), target in COPIES.items():
            (RESOURCES / target).write_bytes((packages[package] / path).read_bytes())
        for weight in ("Regular", "Bold"):
            source = packages["jetbrains-mono"] / f"fonts/webfonts/JetBrainsMonoNL-{weight}.woff2"
            unpack_woff(source, RESOURCES / f"fonts/JetBrainsMonoNL-{weight}.ttf")
        build_symbols(packages, work, RESOURCES / "fonts/PrayogSymbols-Regular.ttf")
        outline(packages, RESOURCES / "geo/outline.npz")
    return 0


if __name__ == "__main__":
    sys.exit(main())
