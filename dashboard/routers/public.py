"""What anybody may read without signing in (两公开): the pages of institutions and of a county."""

import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from alerting.people import Scope
from dashboard import present_publicity as present
from dashboard import schemas
from dashboard.access import Serving
from dashboard.schemas import publicity as shapes
from dashboard.service import Service
from inspection import publicity_operate
from inspection.errors import NotPublished

router = APIRouter(prefix="/api/public", tags=["public"])

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 422, 429)}
_MEDIA_TYPE: Final = "application/json"


@router.get(
    "/institutions/{institution_id}", summary="An institution's public page", response_model=shapes.PublicInstitution,
    responses=_REFUSED,
)  # fmt: skip
async def show_institution(
    institution_id: Annotated[int, Path(ge=1, le=2**31 - 1)], request: Request, serving: Serving
) -> Response:
    """Who is responsible and agreed to be named, hazards and own checks in numbers, the commitment in force. 404 where
    nobody has published the page."""
    return await _answer(
        request, serving, ("institution", institution_id), partial(_institution, serving, institution_id)
    )  # fmt: skip


@router.get(
    "/counties/{region}", summary="A county's public page", response_model=shapes.PublicCounty, responses=_REFUSED
)
async def show_county(
    region: Annotated[str, Path(pattern=r"^[0-9]{6}$", description="GB/T 2260")], request: Request, serving: Serving
) -> Response:
    """The institutions whose pages are public, and the entries of the red and black list that were made known."""
    return await _answer(request, serving, ("county", region), partial(_county, serving, region))


async def _answer(
    request: Request, serving: Service, question: Hashable, make: Callable[[], bytes | None]
) -> Response:  # fmt: skip
    found = await serving.public.get(question, make, time.monotonic)
    if found is None:
        raise NotPublished
    headers = {"cache-control": f"public, max-age={serving.settings.public_age_s_max}", "etag": found.etag}
    told = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if found.etag in told:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=_MEDIA_TYPE, headers=headers)


def _institution(serving: Service, institution_id: int) -> bytes | None:
    now = datetime.now(UTC)
    serving.bind(Scope(institution_id), "public")
    with serving.reading() as connection:
        try:
            made = publicity_operate.page(connection, institution_id, now)
        except NotPublished:
            return None
    return present.public_page(made, now).model_dump_json().encode()


def _county(serving: Service, region: str) -> bytes:
    now = datetime.now(UTC)
    serving.bind(Scope(None, region), "public")
    with serving.reading() as connection:
        made = publicity_operate.county(connection, region, now)
    return present.public_county(made, now).model_dump_json().encode()
