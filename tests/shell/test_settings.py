"""Settings and the profile folder: read whatever happens, written whole or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from prayog.paths import ProfileProblem, free_name, open_profile, temporary_profile
from prayog.settings import Settings, SettingsProblem, load, save


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "settings.json"
    chosen = Settings(
        theme="dark", text_percent=200, language="hi-Latn", services={"redis": "redis://127.0.0.1:6379"},
        disabled=("writes",), trusted=("0" * 64,),
    )  # fmt: skip
    save(path, chosen)
    assert load(path).settings == chosen
    assert load(path).sentences == ()
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


def test_no_file_means_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "settings.json").settings == Settings()
    assert load(tmp_path / "settings.json").sentences == ()


def test_unknown_keys_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "dark", "telepathy": {"on": true}}')
    save(path, replace(load(path).settings, motion="reduced"))
    assert json.loads(path.read_text())["telepathy"] == {"on": True}
    assert load(path).settings.motion == "reduced"


@pytest.mark.parametrize("text", [b"{", b"[]", b"\xff\xfe\x00", b"null", b""])
def test_a_damaged_file_is_set_aside(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "settings.json"
    for number in (1, 2):
        path.write_bytes(text)
        loaded = load(path)
        assert loaded.settings == Settings()
        assert f"settings-damaged-{number}.json" in loaded.sentences[0]
        assert (tmp_path / f"settings-damaged-{number}.json").read_bytes() == text
        assert not path.exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("theme", "pink"),
        ("text_percent", 900),
        ("text_percent", True),
        ("services", [1]),
        ("data_folder", 3),
        ("trusted", "all"),
    ],
)
def test_a_value_that_cannot_be_is_said_and_the_others_are_used(tmp_path: Path, key: str, value: object) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"motion": "reduced", key: value}))
    loaded = load(path)
    assert loaded.settings == Settings(motion="reduced")
    assert key in loaded.sentences[0]
    assert repr(value) in loaded.sentences[0]


def test_a_password_is_never_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    save(path, Settings(services={"postgres": "postgresql://me:secret@db/x", "redis": "redis://127.0.0.1"}))
    assert "secret" not in path.read_text()
    assert load(path).settings.services == {"redis": "redis://127.0.0.1"}


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings.json"
    save(path, Settings(theme="dark"))

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsProblem, match="No space left"):
        save(path, Settings(theme="light"))
    assert load(path).settings.theme == "dark"
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProfileProblem, match="there is a file of that name"):
        open_profile(tmp_path / "file")
    with pytest.raises(SettingsProblem):
        save(tmp_path / "file" / "settings.json", Settings())


def test_a_temporary_profile_is_gone_afterwards() -> None:
    with temporary_profile() as profile:
        assert profile.data("gossip").is_dir()
        folder = profile.folder
    assert not folder.exists()


def test_free_names_never_exist(tmp_path: Path) -> None:
    (tmp_path / "a-damaged-1.db").write_text("")
    assert free_name(tmp_path / "a.db", "damaged") == tmp_path / "a-damaged-2.db"
