"""Runs sent to a Ray cluster as jobs: prepared here, computed there, fetched back.

A job server takes a folder and a command, and gives back what the command prints. So a run goes as a
small home with its recipe, bars and plugin files, and comes back as marked lines among its output.
Nothing but the job server has to be reachable.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import shlex
import shutil
import stat
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from quorate.errors import IntegrityError, Interrupted, QuorateError, RecipeError, StoreError
from quorate.evidence.ledger import ledger_of, record_candidates, stored_candidates
from quorate.execution.progress import Progress
from quorate.execution.ray.jobs import ABSENT, Jobs
from quorate.execution.ray.tokens import authentication, known_token, token_text
from quorate.recipe.schema import Recipe
from quorate.report.report import Report
from quorate.runs import run as api
from quorate.runs.stored import load_report
from quorate.store import Home, Run
from quorate.store.files import replacing, write_json, write_text

MARK = "@quorate "
PART = 8_000  # characters of one line: with its mark it stays below 8 KiB, and is written at once
# What the run has here already, or what is of no use away from where it was made.
STAYS = ("run.json", "recipe.toml", "job.json", "lock")

Tell = Callable[[str], None]


def submit(
    recipe: str | Path | Recipe,
    address: str,
    *,
    python: str = "python",
    home: str | Path | None = None,
    plugins: Iterable[Any] = (),
    overrides: Iterable[str] = (),
    progress: Progress | None = None,
    tell: Tell = print,
) -> Report:
    """Run a recipe as a job of a Ray cluster, and store the run here.

    Parameters
    ----------
    recipe, home, plugins, overrides, progress
        As of `quorate.run`; the bars are read here.
    address : str
        URL of the cluster's job server, e.g. ``http://10.0.0.5:8265``.
    python : str
        The Python of the cluster's nodes that has quorate; on our own cluster ``python`` means this one.
    tell : callable
        Given every line that the job prints.

    Raises
    ------
    QuorateError
        If the job server cannot be reached, or the job fails.
    Interrupted
        On Ctrl-C; the job goes on, and `attach` fetches it.

    Notes
    -----
    ``job.json`` is written before the job is sent, with an id chosen here: at no moment is there a job that the run
    does not know of. While ``sent`` is false there, nobody knows whether there is one: `attach` asks the server.
    """
    if not address.startswith(("http://", "https://")):
        raise RecipeError(
            f"a job is sent to the URL of a job server, e.g. http://10.0.0.5:8265; it was {address!r}. To run on a "
            f"cluster whose own address can be reached: quorate run {recipe} --address HOST:PORT"
        )
    place = Home(home).path
    own = known_token(address, place) is not None
    overrides = list(overrides)
    insecure = "execution.allow_insecure=true" in overrides
    jobs = Jobs(address, token_text(authentication(address, place, insecure)))  # before any work: it may not be there
    run = api.prepare_run(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
    (progress or Progress()).close()
    program = sys.executable if own and python == "python" else python
    command = shlex.join([program, "-m", "quorate.runs.submit", run.id])
    job = f"quorate-{run.id}"
    sent = {"schema_version": 1, "url": address, "job": job, "allow_insecure": insecure, "sent": False}
    again = f"to go on with run {run.id}, there or here: quorate resume {run.id}{run.home.option}"
    with run.driving(), tempfile.TemporaryDirectory(prefix="quorate-job-") as folder:
        pack_home(run, Path(folder))
        try:
            write_json(run.path / "job.json", sent)
            jobs.submit(command, Path(folder), job)
            write_json(run.path / "job.json", {**sent, "sent": True})
        except KeyboardInterrupt:
            raise Interrupted(f"interrupted while the job was sent; {again}") from None
        except QuorateError as e:
            e.add_note(again)
            raise
    return attach(run, tell)


def is_job(run: Run) -> bool:
    """Whether a run was sent to a cluster and has not come back."""
    return (run.path / "job.json").exists() and run.state != "finished"


def attach(run: Run, tell: Tell = print) -> Report:
    """Follow the job of a run, and fetch the run when it is finished.

    Raises
    ------
    QuorateError
        If the job failed, with what it said, or was never sent, or the job server cannot be reached.
    """
    path = run.path / "job.json"
    try:
        sent = json.loads(path.read_text(encoding="utf-8"))
        url, job, insecure = str(sent["url"]), str(sent["job"]), bool(sent["allow_insecure"])
        surely = bool(sent["sent"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise StoreError(f"{path}, which tells where run {run.id} was sent, cannot be read: {e}") from e
    again = f"quorate resume {run.id}{run.home.option}"
    here = f"to finish the run on this machine: {again}"
    arrived = Arrived()
    found = authentication(url, run.home.path, insecure)
    named = "".join(f"{name}={value} " for name, value in found.items() if name != "RAY_AUTH_TOKEN")
    with run.driving():
        try:
            jobs = Jobs(url, token_text(found))
            state, message = jobs.state(job)
            if state == ABSENT and surely:
                raise QuorateError(f"{url} has no job {job}: its cluster began anew, or another one is there now")
            if state != ABSENT:
                tell(f"run {run.id} is job {job} on {url}")
                for line in jobs.lines(job):
                    if not arrived.take(line):
                        tell(line)
                state, message = jobs.state(job)
        except KeyboardInterrupt:
            raise Interrupted(
                f"interrupted; the job goes on. To fetch it: {again}; to stop it: {named}ray job stop --address {url} "
                f"{job}"
            ) from None
        except QuorateError as e:
            raise QuorateError(
                f"{e}. The job may go on; to fetch it: {again}; if it is lost, remove {path} and the same finishes the "
                "run here"
            ) from e
        if state == ABSENT:
            path.unlink()
            raise QuorateError(f"run {run.id} never became a job on {url}: it was stopped while it was sent; {here}")
        if state == "SUCCEEDED":
            unpack(arrived.archive(), run)
            return _recorded(load_report(run.id, home=run.home.path), run)
        if state not in ("FAILED", "STOPPED"):
            raise QuorateError(f"the connection to {url} ended, the job did not; to fetch it: {again}")
        # The server repeats the output, which was told already.
        reason = arrived.error or message.partition(", last available logs")[0].strip() or "it said nothing"
        told = f"job {job} {'failed' if state == 'FAILED' else 'was stopped'}: {reason}"
        write_text(run.path / "error.txt", told + "\n")
        path.unlink()  # what is left to do can be done here
        raise QuorateError(f"{told}\n{here}")


def _recorded(report: Report, run: Run) -> Report:
    """Put the candidates of a fetched run into the ledger here, too."""
    bars = run.home.bars(report.provenance["data"]["fingerprint"])
    series, equity = report.results["development"]["series"], report.equity
    tried = stored_candidates(equity[equity["part"] == "development"], series, bars)
    digest = report.provenance["recipe_digest"]
    record_candidates(run.home, bars, tried, run=run.id, part="development", recipe_digest=digest)
    return report


def pack_home(run: Run, folder: Path) -> None:
    """Make a home of what one run needs."""
    begun = run.begun()
    fingerprint = begun["data"]["fingerprint"]
    used = {plugin["sha256"] for plugin in begun["plugins"] if plugin["sha256"]}
    files = [
        *(f"runs/{run.id}/{name}" for name in ("run.json", "recipe.toml")),
        *(f"bars/{fingerprint}{ending}" for ending in (".parquet", ".json")),
        *(f"sources/{sha256}.py" for sha256 in sorted(used)),
    ]
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.home.path / file, folder / file)
    ledger_of(run.home).lend(folder / "ledger")


def pack(folder: Path) -> bytes:
    """Return what a finished run's folder has more than the one that was sent."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name not in STAYS:
                file.write(path, name)
    return archive.getvalue()


def lines(archive: bytes) -> Iterator[str]:
    """Yield an archive as marked lines."""
    text = base64.b64encode(archive).decode()
    parts = [text[at : at + PART] for at in range(0, len(text), PART)]
    for part in parts:
        yield f"{MARK}part {part}"
    yield f"{MARK}end {len(parts)} {hashlib.sha256(archive).hexdigest()}"


class Arrived:
    """What came back in marked lines."""

    def __init__(self) -> None:
        self.error = ""
        self._parts: list[str] = []
        self._end = ""

    def take(self, line: str) -> bool:
        """Take a line, if it is marked; return whether it was."""
        if not line.startswith(MARK):
            return False
        what, _, rest = line[len(MARK) :].rstrip("\r").partition(" ")
        if what == "part":
            self._parts.append(rest)
        elif what == "end":
            self._end = rest
        elif what == "error":
            try:
                self.error = str(json.loads(rest))
            except ValueError:  # cut off, or written by something else
                self.error = rest
        return True

    def archive(self) -> bytes:
        """Return the archive.

        Raises
        ------
        IntegrityError
            If it is not what was sent.
        """
        try:
            archive = base64.b64decode("".join(self._parts), validate=True)
        except ValueError:
            archive = b""
        if self._end != f"{len(self._parts)} {hashlib.sha256(archive).hexdigest()}":
            raise IntegrityError(
                f"the run that the job sent did not arrive whole: {len(self._parts)} lines, and their hash is another; "
                "resume the run to fetch it again"
            )
        return archive


def unpack(archive: bytes, run: Run) -> None:
    """Put an archive's files into a run's folder, the report last: with it the run is finished.

    Raises
    ------
    IntegrityError
        If a file is a link or would lie elsewhere, there is no report, or it is that of another run or recipe.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        names = file.namelist()
        for entry in file.infolist():
            name, path = entry.filename, PurePosixPath(entry.filename)
            away = path.is_absolute() or ".." in path.parts or path.as_posix() != name
            if away or name in STAYS or stat.S_ISLNK(entry.external_attr >> 16):
                raise IntegrityError(f"the run that the job sent holds a file that it must not: {name!r}")
        if "report.json" not in names:
            raise IntegrityError("the run that the job sent has no report.json")
        _check_same(file.read("report.json"), run)
        for name in sorted(names, key=lambda name: name == "report.json"):
            with replacing(run.path / name) as temporary:
                temporary.write_bytes(file.read(name))


def _check_same(report: bytes, run: Run) -> None:
    """Raise `IntegrityError`, if a report is not that of the run as it was sent."""
    begun = run.begun()
    try:
        found = json.loads(report)["provenance"]
        differing = [
            f"{key} {found[key]}, not {begun[key]}" for key in ("run", "recipe_digest") if found[key] != begun[key]
        ]
    except (ValueError, KeyError, TypeError) as e:
        raise IntegrityError(f"the report that the job of run {run.id} sent cannot be read: {e!r}") from e
    if differing:
        raise IntegrityError(
            f"what the job of run {run.id} sent is another run's: {'; '.join(differing)}; to finish it here, remove "
            f"{run.path / 'job.json'} and resume it"
        )


def say(marked: Iterable[str]) -> None:
    """Print marked lines, each beginning a line and written at once: others write to the job's output, too."""
    sys.stdout.write("\n")  # a plugin may have left its line unfinished
    for line in marked:
        sys.stdout.write(f"{line}\n")  # `print` would write the end of the line by itself
        sys.stdout.flush()


def main() -> None:
    """Finish a run that was sent here as a job, and print it."""
    from quorate.report.console import PlainProgress

    # Whoever reads this runs inside the cluster already: there is no one left to keep out.
    where = [
        "execution.executor=ray",
        f'execution.address="{os.environ["RAY_ADDRESS"]}"',
        "execution.allow_insecure=true",
    ]
    run = Home(Path.cwd()).find(sys.argv[1])  # where Ray put the small home; it may change the folder later
    try:
        api.resume(run.id, home=run.home.path, overrides=where, progress=PlainProgress())
    except QuorateError as e:
        say([f"{MARK}error {json.dumps(str(e))}"])
        raise SystemExit(1) from None
    say(lines(pack(run.path)))


if __name__ == "__main__":
    main()
