"""What a running Ray cluster tells of its nodes, and jobs sent to its job server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quorate.errors import QuorateError
from quorate.execution.ray.connection import ANSWER, knock

MISSING = "jobs need Ray with its job server and client: pip install 'quorate[cluster]'"
ABSENT = "ABSENT"  # the state of a job that the server does not know


@dataclass(frozen=True)
class NodeState:
    """A node as the cluster sees it; memory in bytes."""

    place: str
    head: bool
    alive: bool
    cpus: float
    gpus: float
    memory: int


def nodes(address: str) -> list[NodeState]:
    """Return the nodes of the cluster at ``HOST:PORT``, the head first; dead ones too.

    The environment must hold what `quorate.execution.ray.tokens.authentication` returned.

    Raises
    ------
    QuorateError
        If there is no cluster, or it does not accept the token.
    """
    try:
        knock(address)
    except OSError as e:
        raise QuorateError(f"there is no cluster at {address}: {e.strerror or e}") from e
    import ray
    from ray._raylet import GcsClient  # type: ignore[attr-defined]

    try:
        found = GcsClient(address=address).get_all_node_info(timeout=ANSWER).values()
    except ray.exceptions.RayError as e:
        raise QuorateError(f"the cluster at {address} does not answer: {str(e).splitlines()[0]}") from e
    states = [
        NodeState(
            place=f"{node.node_manager_address}:{node.node_manager_port}",
            head=node.is_head_node,
            alive=node.state == 0,
            cpus=node.resources_total.get("CPU", 0.0),
            gpus=node.resources_total.get("GPU", 0.0),
            memory=int(node.resources_total.get("memory", 0)),
        )
        for node in found
    ]
    return sorted(states, key=lambda node: (not node.head, not node.alive, node.place))


class Jobs:
    """The job server of a cluster.

    Parameters
    ----------
    url : str
        Where it is, e.g. ``http://127.0.0.1:8265``.
    token : str
        What it asks for; "" for none.

    Raises
    ------
    QuorateError
        If it cannot be reached, does not accept the token, or Ray is installed here without its job client.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with _explained(url):
            from ray.job_submission import JobSubmissionClient

            for name in (
                "dashboard.modules.dashboard_sdk",
                "dashboard.modules.job.sdk",
                "_private.runtime_env.packaging",
            ):
                logging.getLogger(f"ray.{name}").setLevel(logging.ERROR)
            self._client = JobSubmissionClient(url, headers=headers)

    def submit(self, command: str, folder: Path, job: str) -> None:
        """Start a command in a copy of a folder on the cluster, as the job of that id."""
        with _explained(self._url):
            self._client.submit_job(entrypoint=command, submission_id=job, runtime_env={"working_dir": str(folder)})

    def state(self, job: str) -> tuple[str, str]:
        """Return ``PENDING``, ``RUNNING``, ``SUCCEEDED``, ``FAILED``, ``STOPPED`` or `ABSENT`, and what it said."""
        with _explained(self._url):
            try:
                found = self._client.get_job_info(job)
            except RuntimeError as e:
                if f"Job {job} does not exist" in str(e):
                    return ABSENT, ""
                raise
            return str(found.status.value), str(found.message or "")

    def lines(self, job: str) -> Iterator[str]:
        """Yield the job's output from its beginning, line by line, until the job ends.

        A connection that is lost raises `QuorateError`.
        """
        chunks = self._client.tail_job_logs(job)

        async def following() -> str:
            return str(await anext(chunks))

        rest = ""
        with asyncio.Runner() as runner:
            while True:
                try:
                    with _explained(self._url):
                        chunk = runner.run(following())
                except _End:
                    break
                *whole, rest = (rest + chunk).split("\n")
                yield from whole
        if rest:
            yield rest


class _End(Exception):
    """The output is over."""


@contextmanager
def _explained(url: str) -> Iterator[None]:
    """Say in a user's words what went wrong with a job server."""
    try:
        yield
    except StopAsyncIteration:
        raise _End from None
    except ImportError as e:
        raise QuorateError(f"{MISSING} ({e})") from e
    except Exception as e:
        told = str(e).strip().splitlines() or [type(e).__name__]
        if "ray[default]" in str(e):
            raise QuorateError(MISSING) from e
        if "401" in told[0] or "Unauthorized" in str(e) or type(e).__name__ == "AuthenticationError":
            raise QuorateError(
                f"the job server at {url} does not accept the token: RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or "
                "~/.ray/auth_token must be the cluster's"
            ) from e
        raise QuorateError(f"the job server at {url}: {told[0]}") from e
