"""Settings: from the environment and a file, printed, and refused with a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import anyio
import pytest
import uvicorn
from pydantic_settings import SettingsError
from starlette.types import Receive, Scope, Send

from service.__main__ import main, serve
from service.app import create_app
from service.settings import Settings, default_store_dir, read_settings, to_toml


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MPT_{name.upper()}", raising=False)
    monkeypatch.delenv("MPT_CONFIG", raising=False)


@pytest.fixture
def config(tmp_path, monkeypatch):
    def write(text: str) -> None:
        (tmp_path / "mpt.toml").write_text(text)
        monkeypatch.setenv("MPT_CONFIG", str(tmp_path / "mpt.toml"))

    return write


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(config, monkeypatch):
    config('port = 9001\nhost = "0.0.0.0"')
    monkeypatch.setenv("MPT_PORT", "9002")
    settings = read_settings()
    assert (settings.port, settings.host, settings.queue_size) == (9002, "0.0.0.0", 16)
    assert Settings(port=9003).port == 9003


def test_a_misspelt_name_is_refused_and_others_are_not(monkeypatch):
    monkeypatch.setenv("MPT_SERVICE_PORT", "8000")  # as Kubernetes sets them for a service that is called mpt
    monkeypatch.setenv("MPT_PORT", "tcp://10.0.0.1:8000")
    monkeypatch.setenv("MPT_CACHE_DIR", "elsewhere")
    assert read_settings() == Settings()
    monkeypatch.setenv("MPT_API_KEY", "0123456789abcdef")
    with pytest.raises(SettingsError, match="MPT_API_KEY: there is no such setting; MPT_API_KEYS is meant"):
        read_settings()
    with pytest.raises(SettingsError, match="MPT_API_KEYS is meant"):  # as uvicorn's --factory calls it
        create_app()


def test_lists_have_commas_in_the_environment_and_brackets_in_the_file(config, monkeypatch):
    config('cors_origins = ["https://a.example", "https://b.example"]\napi_keys = ["0123456789abcdef"]')
    monkeypatch.setenv("MPT_API_KEYS", "0123456789abcdef, fedcba9876543210,")
    settings = read_settings()
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert [key.get_secret_value() for key in settings.api_keys] == ["0123456789abcdef", "fedcba9876543210"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("prot = 1", r"^prot in .*mpt\.toml: there is no such setting$"),
        ("port = 70000", r"^port in .*mpt\.toml: .*65535"),
        ("port = ", "not TOML|cannot be read"),
        ('api_keys = ["short"]', r"^api_keys in .*: a key needs at least 16 characters"),
        ("[service]\nport = 1", r"^service in .*mpt\.toml: there is no"),
    ],
)
def test_what_makes_no_sense_is_refused(config, text, words):
    config(text)
    with pytest.raises(SettingsError, match=words):
        read_settings()


def test_what_makes_no_sense_in_the_environment_is_named_so_beside_a_file_too(config, monkeypatch):
    config("port = 9001")
    monkeypatch.setenv("MPT_PORT", "70000")
    with pytest.raises(SettingsError, match=r"^MPT_PORT: .*65535"):
        read_settings()


def test_a_missing_file_is_named(monkeypatch):
    monkeypatch.setenv("MPT_CONFIG", "/nowhere/mpt.toml")
    with pytest.raises(SettingsError, match="no file /nowhere/mpt"):
        read_settings()


def test_what_is_printed_can_be_read_again(config, tmp_path):
    settings = Settings(
        port=9009,
        store_dir=tmp_path / 'odd "name"',
        cors_origins=("https://a.example",),
        checkpoint=tmp_path / "c.safetensors",
        api_keys=("0123456789abcdef",),
    )
    text = to_toml(settings)
    assert "0123456789abcdef" not in text
    config(text)
    again = read_settings()
    for name in Settings.model_fields:
        if name != "api_keys":
            assert getattr(again, name) == getattr(settings, name), name


def test_every_setting_is_documented():
    assert all(field.description for field in Settings.model_fields.values())


def test_meshes_go_to_the_users_own_cache_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert Settings().store_dir == default_store_dir() == tmp_path / "mpt" / "meshes"


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    with pytest.raises(SettingsError, match=r"HOME.*MPT_STORE_DIR"):
        read_settings()
    monkeypatch.setenv("MPT_STORE_DIR", "/somewhere")
    assert read_settings().store_dir == Path("/somewhere")


def no_home() -> Path:
    raise RuntimeError("Could not determine home directory.")


@pytest.mark.parametrize(("given", "used"), [("/", ""), ("/mpt", "/mpt"), ("mpt", "/mpt"), ("/a/mpt/", "/a/mpt")])
def test_a_proxys_path_begins_with_a_slash_and_ends_without(given: str, used: str):
    assert Settings(root_path=given).root_path == used


def test_a_proxy_is_trusted_by_address_or_network(monkeypatch):
    monkeypatch.setenv("MPT_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    assert read_settings().trusted_proxies == ("10.0.0.0/8", "::1")
    monkeypatch.setenv("MPT_TRUSTED_PROXIES", "proxy.internal")
    with pytest.raises(SettingsError, match=r"MPT_TRUSTED_PROXIES.*'proxy.internal'"):
        read_settings()


def test_whose_request_it_is_says_a_trusted_proxy(monkeypatch):
    clients, configs = [], []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        clients.append(scope["client"][0])

    monkeypatch.setattr("uvicorn.run", lambda app, **options: configs.append(uvicorn.Config(app, **options)))
    serve(app, Settings(trusted_proxies=("10.0.0.0/8",)))
    configs[0].load()
    for sender in ("10.1.2.3", "192.0.2.7"):
        scope = {"type": "http", "client": (sender, 1), "headers": [(b"x-forwarded-for", b"203.0.113.5, 192.0.2.9")]}
        anyio.run(configs[0].loaded_app, scope, None, None)
    assert clients == ["192.0.2.9", "192.0.2.7"]


@pytest.mark.parametrize("name", ["MPT_STORE_DIR", "MPT_JOBS_DIR"])
def test_a_place_that_cannot_be_used_is_named_with_its_setting(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MPT_PORT", "0")
    monkeypatch.setenv("MPT_STORE_DIR", str(tmp_path / "meshes"))
    monkeypatch.setenv(name, str(tmp_path / "file" / "folder"))
    monkeypatch.setattr("service.__main__.logging_setup.set_up", lambda *_: None)
    assert main() == 2
    said = capsys.readouterr().err
    assert "file/folder" in said
    assert name in said


def test_what_the_image_writes_lies_on_the_volume():
    root = Path(__file__).parents[3]
    volume = re.search(r"- state:(\S+)", (root / "docker-compose.yml").read_text())[1]
    places = re.findall(r"(MPT_(?:STORE|JOBS)_DIR)=(\S+)", (root / "Dockerfile").read_text())
    assert sorted(name for name, _ in places) == ["MPT_JOBS_DIR", "MPT_JOBS_DIR", "MPT_STORE_DIR", "MPT_STORE_DIR"]
    assert all(place.startswith(f"{volume}/") for _, place in places)


def test_settings_that_the_documentation_names_exist():
    docs = Path(__file__).parents[3] / "docs"
    named = {name for page in ("deploy", "serve") for name in re.findall(r"MPT_\w+", (docs / f"{page}.md").read_text())}
    assert len(named) > 30
    assert named <= {f"MPT_{name.upper()}" for name in Settings.model_fields}
