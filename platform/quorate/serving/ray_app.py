"""The same application as one deployment of Ray Serve."""

from __future__ import annotations

from quorate.errors import QuorateError
from quorate.serving.places import Place

NAME = "quorate"


def run_on_ray(place: Place, host: str, port: int) -> None:
    """Serve on Ray Serve until Ctrl-C; each replica loads the versions itself, from the same home.

    Raises
    ------
    QuorateError
        If Ray Serve is not installed, or does not start.
    """
    try:
        from ray import serve
        from ray.serve.config import HTTPOptions
    except ImportError as e:
        raise QuorateError(
            f"--ray needs Ray Serve, and {e.name or e} is not installed: pip install 'quorate[serve]' 'ray[serve]'"
        ) from None

    serve.start(http_options=HTTPOptions(host=host, port=port))
    deployment = serve.deployment(serve.ingress(lambda: place.open()[0])(_Replica))
    serve.run(deployment.bind(), name=NAME, route_prefix="/", blocking=True)


class _Replica:
    """Nothing but the application."""
