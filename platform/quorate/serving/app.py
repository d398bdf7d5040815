"""The REST interface: its routes, and how it describes itself."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException

from quorate import __version__
from quorate.errors import QuorateError
from quorate.runs.surroundings import usual
from quorate.serving.answers import CACHED, WAITING, Answers, Record
from quorate.serving.limits import Guard, Limits
from quorate.serving.models import Models
from quorate.serving.requests import Ask, Batch, Refused

JSON = "application/json"
REFERENCE = "#/components/schemas/{model}"
ABOUT = (
    "Forecasts of ensembles that were promoted. Bars that are sent take the place of what a version knows from their "
    "first time on, or go on after it; the forecast is at the last one. Nothing that is sent is kept."
)
BAR = {"time": "2026-11-30T21:00:00Z", "open": 101.5, "high": 103.0, "low": 101.0, "close": 102.2, "volume": 1.2e6}
COLUMNS = {name: [value] for name, value in BAR.items()}
EXAMPLES = {
    "bars": {"summary": "the next bar", "value": {"version": "nasdaq", "bars": [BAR]}},
    "columns": {"summary": "bars by column", "value": {"version": "nasdaq@3", "bars": COLUMNS}},
    "source": {"summary": "what a source of the server has now", "value": {"version": "nasdaq", "source": "live"}},
}
ANSWER = {
    "version": "nasdaq@3",
    "run": "20261130-120000-nasdaq-3f1a",
    "stage": "champion",
    "verdict": "PASS",
    "time": "2026-11-30T21:00:00.000000Z",
    "fold": 8,
    "threshold": 0.52,
    "symbols": [{"symbol": "QQQ", "weight": 1.0, "forecast": 0.56, "score": 0.56, "members": {"ridge": 0.56}}],
    "bars": "d2a84f4b8b650937ec8f73cd8be2c74add5a911ba64df27458ed8229da804a26",
}
STYLE = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em}pre{overflow:auto;background:#eee}"


def make_app(
    models: Models,
    *,
    sources: Mapping[str, str | None] | None = None,
    record: Record | None = None,
    limits: Limits | None = None,
    cached: int = CACHED,
    waiting: int = WAITING,
) -> FastAPI:
    """Return the application, for uvicorn or another ASGI server.

    Parameters
    ----------
    models : Models
        What is served.
    sources : mapping of str to str or None
        What may be read in place of bars, by the names that clients know; None: what the recipe reads.
    record : callable, optional
        Puts each new forecast on record before it is given.
    limits : Limits, optional
        What is asked of requests.
    cached, waiting : int
        MiB of answers that are kept, and how many forecasts may be under way.
    """
    answers = Answers(models, sources, record, cached=cached, waiting=waiting)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with usual():  # once, in place of at each forecast
            yield
        await asyncio.to_thread(answers.close)

    app = FastAPI(title="quorate", version=__version__, description=ABOUT, lifespan=lifespan,
                  docs_url=None, redoc_url=None, openapi_url=None)  # fmt: skip
    app.state.answers = answers
    _add_errors(app)
    _add_asking(app, answers)
    _add_looking(app, answers, limits or Limits())
    paths = [str(getattr(route, "path", "")) for route in app.routes]
    app.add_middleware(Guard, limits=limits or Limits(), metrics=answers.metrics, routes=paths)
    return app


def _add_errors(app: FastAPI) -> None:
    """Have every error told in one form."""

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> JSONResponse:
        return JSONResponse(error.to_dict(), error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        known = {404: "there is no such page: /docs lists those that there are", 405: "it is asked in another way"}
        told = Refused(error.status_code, known.get(error.status_code, str(error.detail)))
        return JSONResponse(told.to_dict(), error.status_code, error.headers)


async def _body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refused(415, f"the body must be {JSON}; its Content-Type was {kind[:60]!a}")
    return await request.body()


def _asks(model: type[Ask | Batch], examples: Mapping[str, Any]) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "examples": examples}}}}


def _answers(example: Any) -> dict[int | str, dict[str, Any]]:
    wrong = {"error": {"message": "bars[3].close must be above 0; it was -1.0", "field": "bars[3].close"}}
    told = {
        422: "a field is wrong, or missing",
        429: "too many requests; Retry-After says when to come again",
        503: "not now: too many wait, or the forecast cannot be put on record",
    }
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": why, "content": {JSON: {"example": wrong}}} for status, why in told.items()
    }
    return {200: {"description": "the answer", "content": {JSON: {"example": example}}}, **found}


def _add_asking(app: FastAPI, answers: Answers) -> None:
    """Add what forecasts."""

    @app.post("/predict", summary="Forecast at the last of these bars", openapi_extra=_asks(Ask, EXAMPLES),
              responses=_answers(ANSWER), response_class=Response)  # fmt: skip
    async def predict(request: Request) -> Response:
        return Response(await answers.predict(await _body(request)), media_type=JSON)

    several = {"two": {"summary": "two versions", "value": {"requests": [EXAMPLES["bars"]["value"]] * 2}}}

    @app.post("/batch", summary="Several forecasts; one that is wrong refuses all", openapi_extra=_asks(Batch, several),
              responses=_answers({"answers": [ANSWER]}), response_class=Response)  # fmt: skip
    async def batch(request: Request) -> Response:
        return Response(await answers.batch(await _body(request)), media_type=JSON)

    @app.post("/reload", summary="Read the registry again: a new champion takes the place of the old one")
    async def reload() -> JSONResponse:
        try:
            found = await asyncio.to_thread(answers.models.reload)
        except QuorateError as e:
            raise Refused(409, f"{e}; what was served goes on") from None
        return JSONResponse(found, 409 if found["failed"] else 200)


def _add_looking(app: FastAPI, answers: Answers, limits: Limits) -> None:
    """Add what tells of the server."""

    @app.get("/models", summary="What is served, and what stands behind it")
    async def served() -> JSONResponse:
        now = answers.models.now
        restricted = await asyncio.to_thread(_restricted)
        return JSONResponse(
            {
                "versions": [one.describe() for one in now.served],
                "shadows": [one.label for one in now.shadows],
                "failed": {name: str(error) for name, error in now.failed.items()},
                "licences": restricted,
            }
        )

    @app.get("/health", summary="Whether it can be asked; needs no token")
    async def health() -> JSONResponse:
        now = answers.models.now
        told: dict[str, Any] = {"status": "ok" if now.served else "not ready"}
        if not limits.token:
            told |= {"why": "; ".join(map(str, now.failed.values()))} if now.failed else {}
        return JSONResponse(told, 200 if now.served else 503)

    @app.get("/metrics", summary="Counts, for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(answers.metrics.text(), media_type=answers.metrics.content_type)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> JSONResponse:
        return JSONResponse(described(app))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_page(described(app)), headers={"Content-Security-Policy": "default-src 'none'; "
                            "style-src 'unsafe-inline'"})  # fmt: skip


@cache
def _restricted() -> list[str]:
    """Return the packages that may not be used for everything, with their licences."""
    from quorate.runs.licences import licences

    groups = {group["name"]: group["packages"] for group in licences()["groups"]}
    return [f"{one['name']}: {one['licence']}" for one in groups.get("restricted", ())]


def described(app: FastAPI) -> dict[str, Any]:
    """Return what the interface is, as OpenAPI."""
    if app.openapi_schema is None:
        found = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, schemas = models_json_schema([(Ask, "validation"), (Batch, "validation")], ref_template=REFERENCE)
        found.setdefault("components", {}).setdefault("schemas", {}).update(schemas["$defs"])
        app.openapi_schema = found
    return app.openapi_schema


def _page(openapi: Mapping[str, Any]) -> str:
    """Return a page that tells of the routes; it runs nothing and asks nobody."""
    parts = [f"<p>{html.escape(openapi['info']['description'])}</p>"]
    for path, methods in openapi["paths"].items():
        for method, told in methods.items():
            parts.append(f"<h2>{method.upper()} {html.escape(path)}</h2><p>{html.escape(told['summary'])}</p>")
            content = told.get("requestBody", {}).get("content", {}).get(JSON, {})
            for one in content.get("examples", {}).values():
                text = json.dumps(one["value"], indent=1)
                parts.append(f"<p>{html.escape(one['summary'])}</p><pre>{html.escape(text)}</pre>")
            answer = told["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("example")
            if answer:
                parts.append(f"<p>answers</p><pre>{html.escape(json.dumps(answer, indent=1))}</pre>")
    more = '<p>As OpenAPI: <a href="openapi.json">openapi.json</a></p>'
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>quorate</title><style>{STYLE}</style>'
    return f"{head}<h1>quorate {html.escape(openapi['info']['version'])}</h1>{''.join(parts)}{more}</html>"
