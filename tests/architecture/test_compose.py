"""The compose file cannot be run here, so it is held against the code: images, commands, ports, variables."""

from __future__ import annotations

import inspect
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from bench.servers import COMPOSED
from deploy.local.servers import POSTGRES_SETTINGS
from services.catalog import BY_NAME, PAGES, SERVICES
from shared.client.asking import addresses
from shared.db.engine import Database
from shared.http.blobs import AT_ONCE
from shared.runtime.app import routers
from shared.settings import Settings
from shared.wire.ingest import LARGEST_FILE, LARGEST_TEXT

ROOT = Path(__file__).parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: body for name, body in COMPOSE["services"].items() if name in BY_NAME}
POM = (ROOT / "deploy/local/pom.xml").read_text()


def _given(variable: re.Match[str]) -> str:
    """What stands where it is unset: its default, or something where `.env` must give it."""
    return variable[3] if variable[2] == "-" else "given"


def environment(name: str) -> dict[str, str]:
    """A service's variables with what `.env` must give filled in, and nothing else set there."""
    return {
        key: re.sub(r"\$\{(\w+)(?::([-?])([^}]*))?\}", _given, str(value))
        for key, value in COMPOSE["services"][name]["environment"].items()
    }


#: Variables that Python itself reads.
OF_PYTHON = {"TMPDIR"}


def test_there_is_one_container_for_each_service_and_it_serves_just_that():
    assert set(OURS) == set(BY_NAME)
    for name, body in OURS.items():
        assert body["command"] == ["serve", name]
        assert body["image"] == "living-reviews:0.1.0"


@pytest.mark.parametrize("name", BY_NAME)
def test_every_variable_is_a_setting_that_the_code_reads(name, monkeypatch):
    for key, value in environment(name).items():
        if key in OF_PYTHON:
            continue
        assert key.removeprefix("LIVING_").lower() in Settings.model_fields, key
        monkeypatch.setenv(key, value)
    read = Settings(_env_file=None)

    assert read.log_url == "kafka://kafka:9092"
    assert read.resolved(read.database_url, name).endswith(f"@postgres:5432/living_{name}")
    assert read.blobs_url == "database:"
    assert not read.make_signing_key and not read.webhook_private


def test_pages_are_served_by_a_container_that_has_no_key_no_database_and_no_log(monkeypatch):
    body, said = COMPOSE["services"][PAGES], environment(PAGES)
    proxy = (ROOT / "deploy/nginx.conf").read_text()

    assert body["command"] == ["serve", PAGES] and body["networks"] == ["inside"]
    assert body["volumes"] == ["passing:/var/tmp"], "files on their way, and nothing else"
    assert set(said) - OF_PYTHON == {"LIVING_URL", "LIVING_LOG_FORMAT", "LIVING_PUBLIC_URL"}
    assert addresses(said["LIVING_URL"]) == {name: f"http://{name}:8000" for name in BY_NAME}
    assert f"location /           {{ proxy_pass http://{PAGES}:8000; }}" in proxy


def test_whoever_asks_elsewhere_has_a_way_out_and_nobody_else():
    elsewhere = {name for name, body in OURS.items() if "outside" in body["networks"]}

    assert elsewhere == {"ingest", "synthesis", "notify"}


def test_a_revision_gets_a_doi_only_where_env_has_a_token_and_names_its_review(monkeypatch):
    said = {key: value for key, value in environment("synthesis").items() if key.startswith("LIVING_DOI_")}
    assert set(said) == {f"LIVING_DOI_{name}" for name in ("URL", "TOKEN", "REVIEWS", "LICENCE")}
    for key, value in said.items():
        monkeypatch.setenv(key, value)
    read = Settings(_env_file=None)

    assert read.doi_token is None and not read.doi_reviews
    defaults = Settings.model_fields
    assert (read.doi_url, read.doi_licence) == (defaults["doi_url"].default, defaults["doi_licence"].default)
    example = (ROOT / ".env.example").read_text()
    assert all(f"\n{key}={value}\n" in example for key, value in said.items())


def test_the_proxy_leads_to_the_api_wherever_it_has_a_route():
    proxy = (ROOT / "deploy/nginx.conf").read_text()
    (alike,) = re.findall(r"location ~ (\^/\(docs.*?) \{", proxy)
    routes = [route for router in routers(SERVICES) for route in router.routes if hasattr(route, "path")]
    ours = [*(f"/{name}/" for name in BY_NAME)]

    assert routes
    for path in [*(route.path for route in routes), "/docs", "/docs/docs.js", "/openapi.json"]:
        assert path.startswith(tuple(ours)) or re.match(alike, path), path


def test_the_bench_runs_the_real_profile_as_it_is_composed():
    for name in BY_NAME:
        assert COMPOSED.items() <= environment(name).items()


def test_the_proxy_takes_files_as_large_as_their_route_does():
    proxy = (ROOT / "deploy/nginx.conf").read_text()

    (files,) = re.findall(r"location ~ \^/ingest/reviews/\[\^/\]\+/files\$ \{(.*?)\}", proxy, re.DOTALL)
    (limit,) = re.findall(r"client_max_body_size (\d+)g;", files)
    assert int(limit) * 1024**3 == LARGEST_FILE
    assert "proxy_request_buffering off;" in files and "proxy_pass http://ingest:8000;" in files
    (forms,) = re.findall(r"location ~ \^/reviews/\[\^/\]\+/imports\$ \{(.*?)\}", proxy, re.DOTALL)
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", forms)
    assert int(limit) * 1024**2 == LARGEST_FILE + 1024**2, "with the fields of its form"
    assert "proxy_request_buffering off;" in forms and "proxy_pass http://web:8000;" in forms
    (forms,) = re.findall(r"location ~ \^/reviews/\[\^/\]\+/records/\[\^/\]\+/texts\$ \{(.*?)\}", proxy, re.DOTALL)
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", forms)
    assert int(limit) * 1024**2 == LARGEST_TEXT + 1024**2
    assert "proxy_request_buffering off;" in forms and "proxy_pass http://web:8000;" in forms
    (texts,) = re.findall(r"location ~ \^/ingest/reviews/\[\^/\]\+/text-files\$ \{(.*?)\}", proxy, re.DOTALL)
    (limit,) = re.findall(r"client_max_body_size (\d+)m;", texts)
    assert int(limit) * 1024**2 == LARGEST_TEXT
    assert "proxy_request_buffering off;" in texts and "proxy_pass http://ingest:8000;" in texts


def test_the_image_listens_where_the_proxy_and_the_health_checks_look():
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    proxy = (ROOT / "deploy/nginx.conf").read_text()

    assert "LIVING_PORT=8000" in dockerfile and "EXPOSE 8000" in dockerfile and "USER living" in dockerfile
    for name, body in OURS.items():
        assert f"location /{name}/" in proxy and f"http://{name}:8000" in proxy
        # What /readyz tells is mended by way of the proxy, which waits for these.
        assert "127.0.0.1:8000/healthz" in body["healthcheck"]["test"][-1]


def test_what_the_image_is_made_of_is_given_to_whoever_builds_it():
    dockerfile = (ROOT / "deploy/Dockerfile").read_text()
    given = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]

    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists()
        assert any(fnmatch(name, pattern) for pattern in given), f"{name} is left out by .dockerignore"
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.rstrip("*") for name in packages} <= {name for names in copied for name in names}


def test_every_image_is_pinned_and_everything_has_a_health_check():
    for name, body in COMPOSE["services"].items():
        assert re.search(r":\d+\.\d+", body["image"]), name
        assert body["healthcheck"]["test"], name


def test_the_servers_are_the_ones_the_suites_run_on():
    for image, artifact in (("kafka", "kafka_2.13"), ("elasticsearch", "elasticsearch")):
        version = COMPOSE["services"][image]["image"].rpartition(":")[2]
        assert version in POM, f"{artifact} {version} is not what deploy/local starts"


def postgres_settings() -> dict[str, str]:
    words = COMPOSE["services"]["postgres"]["command"]
    assert words[0] == "postgres" and set(words[1::2]) == {"-c"}
    return dict(word.split("=") for word in words[2::2])


def test_postgresql_has_room_for_all_connections_that_the_services_may_have_open():
    own = inspect.signature(Database).parameters["pool_size"].default
    # Of each service: its own, those of requests (and two), one that looks whether the database is there, and those
    # over which blobs move.
    wanted = len(BY_NAME) * (own + Settings.model_fields["requests_at_once"].default + 2 + 1)
    wanted += AT_ONCE * sum(1 for service in BY_NAME.values() if service.blobs)

    # Three are the superuser's, and people at the command line open some.
    assert wanted + 3 + 5 <= int(postgres_settings()["max_connections"])


def test_postgresql_is_set_up_as_the_one_that_the_suites_run_on():
    assert {name: POSTGRES_SETTINGS[name] for name in postgres_settings()} == postgres_settings()


def test_every_container_reads_the_key_ring_from_a_folder_it_cannot_write():
    """A rotation puts a new file in the place of the old one: a file that is mounted alone would stay the old one."""
    for name, body in OURS.items():
        [(source, target, mode)] = [it.split(":") for it in body["volumes"] if it.startswith("./")]
        ring = Path(environment(name)["LIVING_SIGNING_KEY"])
        assert (source, target, mode) == ("./deploy/secrets", str(ring.parent), "ro")
        assert f"deploy/secrets/{ring.name}" in (ROOT / "README.md").read_text()
        assert "secrets" not in COMPOSE


def test_library_files_are_copied_to_a_disk_and_not_into_memory():
    for name, volume in (("ingest", "copies"), ("web", "passing")):
        temporary, body = environment(name)["TMPDIR"], COMPOSE["services"][name]

        assert f"{volume}:{temporary}" in body["volumes"] and volume in COMPOSE["volumes"]
        assert not any(temporary.startswith(folder) for folder in body["tmpfs"])


def test_what_keeps_data_has_a_volume_and_is_out_of_reach():
    for name in ("kafka", "elasticsearch", "postgres"):
        body = COMPOSE["services"][name]
        assert body["volumes"] and body["networks"] == ["inside"] and "ports" not in body
    assert COMPOSE["networks"]["inside"]["internal"] is True
    published = [port for body in COMPOSE["services"].values() for port in body.get("ports", [])]
    assert published == ["127.0.0.1:8000:8000"]


def test_no_secret_is_written_down():
    text = (ROOT / "docker-compose.yml").read_text()

    assert re.findall(r"PASSWORD: (?!\$\{)", text) == []
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )
    assert not example["LIVING_POSTGRES_PASSWORD"] and not example["LIVING_OPENALEX_KEY"]
    assert set(re.findall(r"\$\{(\w+)", text)) <= set(example)
