"""Runs and sweeps sent to a Ray cluster as jobs: prepared here, computed there, fetched back.

A job server takes a folder and a command, and gives back what the command prints. So a run, or a sweep, goes as a
small home with its recipe, bars and plugin files, and comes back as marked lines among its output.
Nothing but the job server has to be reachable.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from quorate.errors import Interrupted, QuorateError, RecipeError, StoreError
from quorate.evidence.ledger import LENT, ledger_of, read_lent, record_candidates, stored_candidates
from quorate.execution.progress import Progress
from quorate.execution.ray.jobs import ABSENT, Jobs
from quorate.execution.ray.tokens import authentication, known_token, require_secrecy, token_text
from quorate.recipe.schema import Recipe
from quorate.report.report import Report
from quorate.runs import run as api
from quorate.runs import sweep as sweeps
from quorate.runs.document import enter_report
from quorate.runs.loaded import load_report
from quorate.runs.parcel import MARK, Arrived, lines, pack, unpack
from quorate.runs.swept import Sweep, load_sweep
from quorate.store import Home, Run
from quorate.store.files import write_json, write_text
from quorate.store.trust import name_address, trust, was_named

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
    sweep: bool = False,
) -> Report | Sweep:
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
    sweep : bool
        Whether its models are tuned, as by `quorate.sweep`; else it is run.

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
            f"a job is sent to the URL of a job server, e.g. http://10.0.0.5:8265; it was {address!r}. On a cluster "
            f"whose own address can be reached: quorate {'sweep' if sweep else 'run'} {recipe} --address HOST:PORT"
        )
    place = Home(home).path
    own = known_token(address, place) is not None
    overrides = list(overrides)
    insecure = "execution.allow_insecure=true" in overrides
    token = token_text(authentication(address, place, insecure))
    require_secrecy(address, token, insecure)
    jobs = Jobs(address, token)  # before any work: it may not be there
    name_address(address)
    prepare = sweeps.prepare_sweep if sweep else api.prepare_run
    run = prepare(recipe, home=home, plugins=plugins, overrides=overrides, progress=progress)
    (progress or Progress()).close()
    program = sys.executable if own and python == "python" else python
    command = shlex.join([program, "-m", "quorate.runs.submit", run.id, run.kind])
    job = f"quorate-{run.id}"
    sent = {"schema_version": 1, "url": address, "job": job, "sent": False}
    again = f"to go on with {run.kind} {run.id}, there or here: {run.resume_command}"
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
    return attach(run, tell, address=address, insecure=insecure)


def is_job(run: Run) -> bool:
    """Whether a run was sent to a cluster and has not come back."""
    return (run.path / "job.json").exists() and run.state != "finished"


def attach(run: Run, tell: Tell = print, *, address: str | None = None, insecure: bool = False) -> Report | Sweep:
    """Follow the job of a run or sweep, and fetch it when it is finished.

    Parameters
    ----------
    address : str, optional
        The URL of the job server, confirmed by this user; needed where the home alone names it.
    insecure : bool
        Whether the network on the way may see the token.

    Raises
    ------
    QuorateError
        If the job failed, with what it said, or was never sent, or the job server cannot be reached.
    """
    path = run.path / "job.json"
    try:
        sent = json.loads(path.read_text(encoding="utf-8"))
        url, job, surely = str(sent["url"]), str(sent["job"]), bool(sent["sent"])
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise StoreError(f"{path}, which tells where {run.kind} {run.id} was sent, cannot be read: {e}") from e
    again, named_so = run.resume_command, f"{run.kind} {run.id}"
    if address is not None and address != url:
        raise RecipeError(f"{named_so} was sent to {url}, and not to {address}")
    if address is None and not was_named(url):
        raise RecipeError(
            f"{named_so} was sent to {url}, its home says, and you have named that address nowhere here; your token "
            f"would be sent there. If it is yours: {again} --address {url}; to finish it here, remove {path}"
        )
    here = f"to finish the {run.kind} on this machine: {again}"
    arrived = Arrived()
    found = authentication(url, run.home.path, insecure)
    require_secrecy(url, token_text(found), insecure)
    name_address(url)
    named = "".join(f"{name}={value} " for name, value in found.items() if name != "RAY_AUTH_TOKEN")
    with run.driving():
        try:
            jobs = Jobs(url, token_text(found))
            state, message = jobs.state(job)
            if state == ABSENT and surely:
                raise QuorateError(f"{url} has no job {job}: its cluster began anew, or another one is there now")
            if state != ABSENT:
                tell(f"{named_so} is job {job} on {url}")
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
                f"{run.kind} here"
            ) from e
        if state == ABSENT:
            path.unlink()
            raise QuorateError(f"{named_so} never became a job on {url}: it was stopped while it was sent; {here}")
        if state == "SUCCEEDED":
            return _fetched(arrived.archive(), run)
        if state not in ("FAILED", "STOPPED"):
            raise QuorateError(f"the connection to {url} ended, the job did not; to fetch it: {again}")
        # The server repeats the output, which was told already.
        reason = arrived.error or message.partition(", last available logs")[0].strip() or "it said nothing"
        told = f"job {job} {'failed' if state == 'FAILED' else 'was stopped'}: {reason}"
        write_text(run.path / "error.txt", told + "\n")
        path.unlink()  # what is left to do can be done here
        raise QuorateError(f"{told}\n{here}")


def _fetched(archive: bytes, run: Run) -> Report | Sweep:
    """Unpack what was sent back, and put its candidates into the ledger here, too."""
    if run.kind == "run":
        unpack(archive, run)
        return _recorded(load_report(run.id, home=run.home.path), run)
    unpack(archive, run, lambda: _record_lent(run))
    return load_sweep(run.id, home=run.home.path)


def _record_lent(run: Run) -> None:
    """Record what a sweep tried: its report does not hold the series."""
    begun, lent = run.begun(), run.path / LENT
    bars = run.home.bars(begun["data"]["fingerprint"])
    digest = begun["recipe_digest"]
    record_candidates(run.home, bars, read_lent(lent, bars), run=run.id, part="development", recipe_digest=digest)
    shutil.rmtree(lent, ignore_errors=True)


def _recorded(report: Report, run: Run) -> Report:
    """Put the candidates of a fetched run into the ledger here, too."""
    bars = run.home.bars(report.provenance["data"]["fingerprint"])
    series, equity = report.results["development"]["series"], report.stored("equity")
    tried = stored_candidates(equity[equity["part"] == "development"], series, bars)
    digest = report.provenance["recipe_digest"]
    record_candidates(run.home, bars, tried, run=run.id, part="development", recipe_digest=digest)
    enter_report(report)
    return report


def pack_home(run: Run, folder: Path) -> None:
    """Make a home of what one run or sweep needs."""
    begun = run.begun()
    used = {plugin["sha256"] for plugin in begun["plugins"] if plugin["sha256"]}
    files = [
        *(f"{run.kind}s/{run.id}/{name}" for name in ("run.json", "recipe.toml")),
        *(str(one.relative_to(run.home.path)) for one in run.home.bars_files(begun["data"]["fingerprint"])),
        *(f"sources/{sha256}.py" for sha256 in sorted(used)),
    ]
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(run.home.path / file, folder / file)
    ledger_of(run.home).lend(folder / "ledger")


def say(marked: Iterable[str]) -> None:
    """Print marked lines, each beginning a line and written at once: others write to the job's output, too."""
    sys.stdout.write("\n")  # a plugin may have left its line unfinished
    for line in marked:
        sys.stdout.write(f"{line}\n")  # `print` would write the end of the line by itself
        sys.stdout.flush()


def main() -> None:
    """Finish a run or sweep that was sent here as a job, and print it."""
    # Where Ray put the small home, it may remove and unpack it again: for each node of this machine.
    with tempfile.TemporaryDirectory(prefix="quorate-job-") as folder:
        home = Home(shutil.copytree(Path.cwd(), Path(folder) / "home"))
        os.chdir(home.path)
        name, kind = sys.argv[1:]
        _finish(home.find(name, kind="sweep" if kind == "sweep" else "run"))
        os.chdir("/")


def _finish(run: Run) -> None:
    from quorate.report.progress import PlainProgress

    # Whoever reads this runs inside the cluster already: there is no one left to keep out.
    where = [
        "execution.executor=ray",
        f'execution.address="{os.environ["RAY_ADDRESS"]}"',
        "execution.allow_insecure=true",
    ]
    finish = sweeps.resume_sweep if run.kind == "sweep" else api.resume
    try:
        trust(run.home.path)  # whoever may send a job may run what it likes
        finish(run.id, home=run.home.path, overrides=where, progress=PlainProgress())
    except QuorateError as e:
        say([f"{MARK}error {json.dumps(str(e))}"])
        raise SystemExit(1) from None
    if run.kind == "sweep" and (lent := ledger_of(run.home).folder / LENT).is_dir():
        lent.rename(run.path / LENT)
    say(lines(pack(run.path)))


if __name__ == "__main__":
    main()
