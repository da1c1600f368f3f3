"""The app's OpenAPI document: what the page's types are generated from, and what other clients can be written by.

FastAPI derives it from the routes; here it learns what is so for all of them: errors are problems (RFC 9457), also
those of validation, and what goes over the websocket has a shape, too.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body
from fastapi.openapi.utils import get_openapi
from starlette.routing import BaseRoute

from dashboard import problems, schemas

TITLE: Final = "Anhu 安护"
SUMMARY: Final = "Safety monitoring for care institutions"
VERSION: Final = "1"

_PROBLEM: Final = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PLACE: Final = "institution_id"  # what is asked about one that is none, or out of reach, is not found
_OF_FASTAPI: Final = ("HTTPValidationError", "ValidationError")  # which no answer of ours looks like

_messages = APIRouter()


@_messages.post("live", summary="What goes over the websocket /live", response_model=schemas.LiveFrame)
def _live(_said: Annotated[schemas.WatchRequest | schemas.SeenRequest, Body()]) -> None:
    """Each text message of the server has one of the response's shapes, each of a client one of the request's."""


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """What these routes take and answer, as OpenAPI 3.1."""
    described = get_openapi(title=TITLE, version=VERSION, summary=SUMMARY, routes=routes, webhooks=_messages.routes)
    for path in described["paths"].values():
        for operation in path.values():
            for response in operation["responses"].values():
                _tell_problem(response)
            if any(each["in"] == "path" or each["name"] == _PLACE for each in operation.get("parameters", ())):
                operation["responses"].setdefault("404", {"description": "Not Found", "content": _PROBLEM})
            operation["responses"]["default"] = {"description": "Any other error", "content": _PROBLEM}
    del described["webhooks"]["live"]["post"]["responses"]["422"]
    for name in _OF_FASTAPI:
        del described["components"]["schemas"][name]
    return described


def _tell_problem(response: dict[str, Any]) -> None:
    """Under whatever media type FastAPI has put it: that of the route's own answer."""
    for content in response.get("content", {}).values():
        if content.get("schema", {}).get("$ref", "").rpartition("/")[2] in {"Problem", *_OF_FASTAPI}:
            response["content"] = _PROBLEM
            return
