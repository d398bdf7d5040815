"""The same application as one deployment of Ray Serve."""

from __future__ import annotations

import signal
import sys
import threading

from quorate.errors import QuorateError
from quorate.serving.settings import Settings

NAME = "quorate"


def run_on_ray(settings: Settings, host: str, port: int) -> None:
    """Serve on Ray Serve until SIGTERM or Ctrl-C; its replica loads the versions itself, from the same home.

    Raises
    ------
    QuorateError
        If Ray Serve is not installed.
    """
    try:
        from ray import serve
        from ray.serve.config import HTTPOptions
    except ImportError as e:
        raise QuorateError(
            f"--ray needs Ray Serve, and {e.name or e} is not installed: pip install 'quorate[serve]' 'ray[serve]'"
        ) from None

    serve.start(http_options=HTTPOptions(host=host, port=port))
    try:
        deployment = serve.deployment(serve.ingress(lambda: settings.open()[0])(_Replica))
        serve.run(deployment.bind(), name=NAME, route_prefix="/")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ray has put its own there, which ends at once
        print(f"serving on Ray Serve at http://{host}:{port}", file=sys.stderr, flush=True)
        threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        serve.shutdown()


class _Replica:
    """Nothing but the application."""
