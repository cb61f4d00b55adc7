"""The description of the API (OpenAPI 3.1), made from the table of routes."""

from __future__ import annotations

import re
from typing import Any

from director.admin.described import COMPONENTS
from director.admin.route import JSON, OPEN, ApiRoute
from director.admin.routes import NOT_THE_API, ROUTES
from director.admin.schemas import ANSWERS
from director.admin.shapes import named

ANY_ROUTE = (400, 404, 405, 413, 421, 500)
"""Statuses of errors that every route can give."""
WORDS = {
    200: "Done",
    201: "Made; Location says where it is",
    204: "Gone",
    400: "The request is wrong",
    401: "Not signed in",
    403: "A write from a browser without the session's CSRF token, or from another site; or not allowed here",
    404: "There is none such",
    405: "Another method is needed; see Allow",
    409: "The change cannot be made as things are",
    412: "The generation is another one than If-Match says",
    413: "The body is too large",
    415: "The body has another content type than is needed",
    421: "The Host names another machine",
    500: "A fault of the director",
    503: "Not ready",
    504: "The work took too long; look at the events for its end",
}


def document(version: str) -> dict[str, Any]:
    """The whole description."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        if route.name not in NOT_THE_API:
            paths.setdefault(route.path, {})[route.method.lower()] = operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "The director", "version": version},
        "paths": paths,
        "components": {
            "schemas": COMPONENTS,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "state_dir/admin.token"},
            },
        },
        "security": [{"token": []}],
    }


def operation(route: ApiRoute) -> dict[str, Any]:
    """One route as an operation."""
    signed = () if route.access == OPEN else (401,)
    answers = {
        str(status): answer(route, status) for status in sorted({*route.statuses, *ANY_ROUTE, *signed})
    }
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters(route),
        "responses": answers,
    }
    if route.access == OPEN:
        found["security"] = []
    if route.body:
        found["requestBody"] = {"required": True, "content": {route.takes: {"schema": route.body}}}
    return found


def parameters(route: ApiRoute) -> list[dict[str, Any]]:
    """Path, query and header parameters."""
    text = {"type": "string"}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": text}
        for name in re.findall(r"{(\w+)}", route.path)
    ]
    found += [
        {"name": name, "in": "query", "description": what, "schema": text} for name, what in route.query
    ]
    if 412 in route.statuses:
        found.append({"name": "If-Match", "in": "header", "description": "the ETag of a GET", "schema": text})
    return found


def answer(route: ApiRoute, status: int) -> dict[str, Any]:
    """One answer of a route."""
    good = status < 400 or (status == 503 and not route.streams)
    if status == 204:
        return {"description": WORDS[status]}
    if not good:
        return {"description": WORDS[status], "content": {JSON: {"schema": named("Error")}}}
    content: dict[str, Any] = {kind: {} for kind in (route.gives, route.streams) if kind}
    if route.name in ANSWERS:
        content[JSON] = {"schema": ANSWERS[route.name]}
    return {"description": WORDS[status], "content": content}
