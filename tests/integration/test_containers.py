"""The files that containers are made of: linted, safe by default, and what they run is run here without containers."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from support.command import call
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "containers"
SECRET = re.compile(r"(PASSWORD|TOKEN|SECRET|KEY)(?!_FILE|FILE|_PATH)", re.IGNORECASE)
# Of the compose specification: what a service may say, as far as it is of use here, and the form of its values.
SERVICE = {
    "image", "build", "command", "entrypoint", "environment", "secrets", "volumes", "tmpfs", "ports", "depends_on",
    "healthcheck", "deploy", "init", "restart", "read_only", "cap_drop", "security_opt", "shm_size",
}  # fmt: skip
DURATION, SIZE = re.compile(r"(\d+(us|ms|s|m|h))+"), re.compile(r"\d+(\.\d+)?([bkmg]b?)?", re.IGNORECASE)


def instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions, each with what follows it on one line."""
    text = re.sub(r"^\s*#.*\n", "", (FOLDER / "Dockerfile").read_text(), flags=re.MULTILINE)
    lines = [line.strip() for line in re.sub(r"\\\n\s*", " ", text).splitlines() if line.strip()]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def told(name: str) -> list[str]:
    return [rest for one, rest in instructions() if one == name]


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())


def test_the_dockerfile_is_linted():
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, FOLDER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_pinned_and_runs_as_nobody_in_particular():
    assert len(told("FROM")) == 2
    for base in told("FROM"):
        assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+( AS build)?", base)
    steps = [step for one in told("RUN") for step in one.split("&&")]
    installs = [step for step in steps if "pip install" in step or "pip wheel" in step]
    assert len(installs) == 5
    for step in installs:
        pinned = "--require-hashes" in step or "--no-index" in step or "--no-build-isolation" in step
        assert pinned, step
        assert "--no-deps" in step
    assert told("USER") == ["10001:10001"]
    assert told("VOLUME") == ['["/home/quorate"]']
    assert told("ARG") == []
    assert not any(SECRET.search(one) for one in told("ENV"))
    assert len(told("HEALTHCHECK")) == 1


def test_what_is_copied_is_there_and_reaches_the_builder():
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    assert ignored[1] == "*"  # nothing but what is named
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = {source for one in told("COPY") if "--from" not in one for source in one.split()[:-1]}
    assert copied == sent
    assert all((ROOT / name).exists() for name in copied)


@pytest.mark.parametrize("name", ["image", "build"])
def test_the_image_has_the_versions_of_the_lock(name):
    def pins(path: Path) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE))

    lock, found = pins(ROOT / "requirements" / "lock.txt"), pins(ROOT / "requirements" / f"{name}.txt")
    assert found.items() <= lock.items()
    assert not {"pytest", "mypy", "ruff", "moto"} & found.keys()
    if name == "image":
        assert {"ray", "fastapi", "uvicorn", "mlflow-skinny", "psycopg-binary", "prometheus-client"} <= found.keys()


def test_torch_is_that_of_the_others():
    version = re.search(r"^torch==(\S+)", (ROOT / "requirements" / "torch.txt").read_text(), re.MULTILINE)
    assert version is not None
    assert f"torch=={version[1]}+cpu " in (ROOT / "requirements" / "torch-cpu.txt").read_text()


def test_the_compose_file_says_what_compose_understands(compose):
    assert compose.keys() == {"name", "x-quorate", "services", "secrets", "volumes"}
    for name, service in compose["services"].items():
        assert service.keys() <= SERVICE, name
        assert ("image" in service) is True
        for other, wanted in service.get("depends_on", {}).items():
            assert wanted == {"condition": "service_healthy"}
            assert "healthcheck" in compose["services"][other], name
        assert set(service.get("secrets", [])) <= compose["secrets"].keys()
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"], volume
        for key in ("interval", "timeout", "start_period"):
            assert DURATION.fullmatch(service.get("healthcheck", {}).get(key, "1s"))
        assert SIZE.fullmatch(str(service.get("shm_size", "1m")))
        for value in service.get("environment", {}).values():
            assert isinstance(value, str), (name, value)  # YAML's booleans and numbers are refused or changed
        assert all(isinstance(word, str) for word in service.get("command", [])), name
    used = {secret for service in compose["services"].values() for secret in service.get("secrets", [])}
    assert used == compose["secrets"].keys()


def test_the_compose_file_is_safe_by_default(compose):
    for name, service in compose["services"].items():
        for port in service["ports"]:
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), name
        assert ":" in service["image"]
        assert not service["image"].endswith(":latest")
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert {"limits"} <= service["deploy"]["resources"].keys()
        for variable, value in service.get("environment", {}).items():
            assert not SECRET.search(variable) or value.startswith("/run/secrets/"), variable
    for secret in compose["secrets"].values():
        assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", secret["file"])  # without it, nothing starts
    for name in ("server", "ray"):
        service = compose["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["deploy"]["resources"] == {
            "limits": {"cpus": "2.0", "memory": "3G"}, "reservations": {"cpus": "1.0", "memory": "2G"},
        }  # fmt: skip


# --- what is run


@pytest.mark.parametrize("status,expected", [(200, 0), (503, 1), (None, 1)])
def test_health_is_that_of_the_server(compose, status, expected):
    [check] = told("HEALTHCHECK")
    commands = [json.loads(check[check.index("[") :]), compose["services"]["mlflow"]["healthcheck"]["test"][1:]]
    with answering(status) as port:
        for command in commands:
            code = re.sub(r"127\.0\.0\.1:\d+/health", f"127.0.0.1:{port}/health", command[-1])
            assert code != command[-1]
            done = subprocess.run([sys.executable, *command[1:-1], code], capture_output=True, check=False)
            assert done.returncode == expected, done.stderr


class answering:
    """A server on a free port that answers so; with None, nobody listens there."""

    def __init__(self, status: int | None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status or 500)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        if status is None:
            self._server.server_close()
        else:
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._alive = status is not None

    def __enter__(self) -> int:
        return self._server.server_address[1]

    def __exit__(self, *_: object) -> None:
        if self._alive:
            self._server.shutdown()
            self._server.server_close()


def test_the_database_is_asked_with_options_that_it_knows(compose):
    command = compose["services"]["postgres"]["healthcheck"]["test"][1:]
    if shutil.which(command[0]) is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    done = subprocess.run([*command, "--host=127.0.0.1", "--port=9"], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr  # nobody answers there; 3: an option that is none


@pytest.mark.full
def test_the_tracking_server_is_started_with_options_that_it_knows(compose):
    from mlflow.cli import server  # only the whole of MLflow can run it

    command = compose["services"]["mlflow"]["command"]
    assert command[:2] == ["mlflow", "server"]
    with server.make_context("server", command[2:]) as context:
        assert context.params["allowed_hosts"].split(",")[0] == "mlflow:5000"
        assert context.params["serve_artifacts"] is True
    clients = {
        one["environment"]["MLFLOW_TRACKING_URI"]
        for one in compose["services"].values()
        if "MLFLOW_TRACKING_URI" in one.get("environment", {})
    }
    assert clients == {"http://mlflow:5000"}


def test_the_server_is_started_with_options_that_it_knows(compose):
    command = compose["services"]["server"]["command"]
    if "No such command" in (helped := call(command[0], "--help").output):
        pytest.skip(f"this quorate has no command {command[0]!r}")
    for option in [word for word in command if word.startswith("--")]:
        assert option in helped


@pytest.mark.full
@pytest.mark.own_executor
def test_the_head_of_the_cluster_starts_asks_for_its_token_and_says_that_it_is_well(compose, tmp_path):
    service, ports = compose["services"]["ray"], [_free() for _ in range(2)]
    changed = {"6379": str(ports[0]), "8265": str(ports[1])}
    command = [re.sub(r"(?<==)(6379|8265)$", lambda found: changed[found[0]], word) for word in service["command"]]
    ray = Path(sys.executable).with_name("ray")
    (tmp_path / "token").write_text("a" * 64)
    environment = {**os.environ, **service["environment"], "RAY_AUTH_TOKEN_PATH": str(tmp_path / "token")}
    folder = Path("/tmp") / f"qr-{os.getpid()}"  # sockets lie below it, and their paths must be short
    check = [ray, *service["healthcheck"]["test"][2:-1], f"--address=127.0.0.1:{ports[0]}"]
    head = subprocess.Popen(
        [ray, *command, f"--temp-dir={folder}"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def well(**more: str) -> bool:
        return subprocess.run(check, env={**environment, **more}, capture_output=True, check=False).returncode == 0

    try:
        wait_until(well, seconds=90)
        (tmp_path / "other").write_text("b" * 64)
        assert not well(RAY_AUTH_TOKEN_PATH=str(tmp_path / "other"))
    finally:
        head.terminate()
        head.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.full
@pytest.mark.skipif("QUORATE_BUILD_IMAGE" not in os.environ, reason="2.7 GB: QUORATE_BUILD_IMAGE=1 asks for it")
def test_the_steps_of_the_build_make_an_environment_that_works(tmp_path):
    build = instructions()[: [i for i, (name, _) in enumerate(instructions()) if name == "FROM"][1]]
    work = tmp_path / "build"
    work.mkdir()
    for name, rest in build:
        if name == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, work / (target if target not in (".", "./") else ""), source)
        if name == "RUN":
            # Beside the index that this machine has; the hashes hold in any case.
            step = re.sub(r"(?<!\S)/(?=(opt/quorate|opt/build|build)/)", f"{tmp_path}/", rest)
            step = step.replace("-m venv /", f"-m venv {tmp_path}/").replace("--index-url", "--extra-index-url")
            step = re.sub(r"^python ", f"{shlex.quote(sys.executable)} ", step)
            done = subprocess.run(
                ["sh", "-ec", step], cwd=work, capture_output=True, text=True, check=False, timeout=1800
            )
            assert done.returncode == 0, (step, done.stderr[-2000:])
    quorate = tmp_path / "opt" / "quorate" / "bin" / "quorate"
    environment = {**os.environ, "QUORATE_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
    for arguments in (["--version"], ["run", "planted", "--json"]):
        done = subprocess.run([quorate, *arguments], env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]


def _copy(source: Path, target: Path, name: str) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target / Path(name).name)


def test_every_step_is_a_command_that_a_shell_understands():
    for step in told("RUN"):
        assert subprocess.run(["sh", "-nc", step], capture_output=True, check=False).returncode == 0, step
