"""Documents and photos of institution files: the list, the files, adding, replacing, removing.

A file is only ever handed out as a download, of the type its content had when it came, and under a policy that lets
nothing in it act.
"""

from functools import partial
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response, status

from alerting.people import Right
from dashboard import schemas
from dashboard.access import Permit, Reach, Serving, Viewing
from dashboard.personal import Personal, note_read
from dashboard.schemas import institution_documents as shapes
from dashboard.schemas.institution_files import FileChoice
from dashboard.service import Service
from ingest.database import Connection
from inspection import institution_document_operate, institution_document_store
from inspection.errors import DocumentUnknown
from inspection.institution_document import (
    DOCUMENT_BYTES_MAX,
    DOCUMENTS_COUNT_MAX,
    INSTITUTION_BYTES_MAX,
    MEDIA_TYPES,
    SECTIONS,
    TITLE_LENGTH_MAX,
    Document,
    take,
)
from inspection.institution_file_store import Writer

ADD_PATH: Final = "/api/institution-files/documents"
REPLACE_PATH: Final = "/api/institution-files/documents/versions"
UPLOAD_BYTES_MAX: Final = DOCUMENT_BYTES_MAX
_POLICY: Final = "default-src 'none'; sandbox"

router = APIRouter(prefix="/institution-files", tags=["institution files"])

Writing = Annotated[Reach, Depends(Permit(Right.WRITE_FILE))]
InstitutionId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Title = Annotated[str, Query(min_length=1, max_length=TITLE_LENGTH_MAX)]
Seen = Annotated[int, Query(ge=1, le=2**31 - 2, description="the version that was seen")]
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {code: {"model": schemas.Problem} for code in (404, 409, 413, 422)}
_SENT: Final = (*MEDIA_TYPES.values(), "image/png", "image/webp")
_BODY: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {each: {} for each in _SENT}}}


@router.get(
    "/{institution_id}/documents",
    summary="The documents of a file",
    response_model=shapes.DocumentList,
    responses=_REFUSED,
)
def list_documents(institution_id: InstitutionId, serving: Serving, reach: Viewing) -> shapes.DocumentList:
    """Every document with every version, and those that were removed with the reason."""
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
        return _listed(connection, institution_id)


@router.post(
    "/documents",
    summary="Add a document or photo",
    response_model=shapes.DocumentList,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
    openapi_extra=_BODY,
)
async def add(
    request: Request,
    serving: Serving,
    reach: Writing,
    institution_id: Annotated[int, Query(ge=1, le=2**31 - 1)],
    section: Annotated[str, Query(max_length=40)],
    title: Title,
) -> shapes.DocumentList:
    """The file is the body; what it is its content says. A picture is drawn anew without what the camera wrote."""
    return await to_thread.run_sync(partial(_add, serving, reach, institution_id, section, title, await request.body()))


def _add(
    serving: Service, reach: Reach, institution_id: int, section: str, title: str, data: bytes
) -> shapes.DocumentList:
    with serving.reading() as connection:
        reach.demand_institution(connection, institution_id)
    file = take(data)
    with serving.writing() as connection:
        institution_document_operate.add(connection, institution_id, section, title, file, _writer(reach))
        return _listed(connection, institution_id)


@router.post(
    "/documents/versions",
    summary="Replace a document",
    response_model=shapes.DocumentList,
    status_code=status.HTTP_201_CREATED,
    responses=_REFUSED,
    openapi_extra=_BODY,
)
async def replace(
    request: Request, serving: Serving, reach: Writing, document_id: Annotated[UUID, Query()], version: Seen,
    title: Title,
) -> shapes.DocumentList:  # fmt: skip
    """The new file is the body; the old version is kept."""
    return await to_thread.run_sync(
        partial(_replace, serving, reach, document_id, version, title, await request.body())
    )


def _replace(
    serving: Service, reach: Reach, document_id: UUID, version: int, title: str, data: bytes
) -> shapes.DocumentList:
    with serving.reading() as connection:
        _reached(connection, reach, document_id)
    file = take(data)
    with serving.writing() as connection:
        made = institution_document_operate.replace(connection, document_id, version, title, file, _writer(reach))
        return _listed(connection, made.newest.institution_id)


@router.post(
    "/documents/{document_id}/remove",
    summary="Remove a document",
    response_model=shapes.DocumentList,
    responses=_REFUSED,
)
def remove(
    document_id: UUID, request: shapes.DocumentRemoval, serving: Serving, reach: Writing
) -> shapes.DocumentList:  # fmt: skip
    """With the reason. It leaves the file, and stays on record."""
    with serving.writing() as connection:
        _reached(connection, reach, document_id)
        made = institution_document_operate.remove(
            connection, document_id, request.version, request.reason, _writer(reach)
        )
        return _listed(connection, made.newest.institution_id)


@router.get(
    "/documents/{document_id}/versions/{version}",
    summary="One version of a document",
    response_class=Response,
    responses={200: {"content": {each: {} for each in MEDIA_TYPES.values()}}, 404: {"model": schemas.Problem}},
)
def show(
    document_id: UUID, version: Annotated[int, Path(ge=1, le=2**31 - 1)], serving: Serving, reach: Viewing
) -> Response:
    """As a download. What was removed is handed to those alone who write the file."""
    with serving.recording() as connection:
        found = _reached(connection, reach, document_id)
        asked = next((each for each in found.versions if each.version == version), None)
        if asked is None or asked.type is None or (found.removed and not reach.holds(Right.WRITE_FILE)):
            raise DocumentUnknown(f"there is no version {version} of the document {document_id}")
        place = found.newest.institution_id
        note_read(connection, serving, reach, Personal.DOCUMENT, f"institution_document:{document_id}", [place])
        data = institution_document_store.content(connection, document_id, version)
    name = quote(asked.file_name, safe="")
    ending = asked.file_name.rsplit(".", 1)[-1]
    return Response(
        data,
        media_type=MEDIA_TYPES[asked.type],
        headers={
            "content-disposition": f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{name}",
            "content-security-policy": _POLICY,
        },
    )


def _reached(connection: Connection, reach: Reach, document_id: UUID) -> Document:
    """Raises DocumentUnknown also for a document out of reach."""
    found = institution_document_store.document(connection, document_id)
    if not reach.covers(connection, found.newest.institution_id):
        raise DocumentUnknown(f"there is no document {document_id}")
    return found


def _listed(connection: Connection, institution_id: int) -> shapes.DocumentList:
    found = institution_document_store.documents(connection, institution_id)
    return shapes.DocumentList(
        sections=[FileChoice.model_validate(each) for each in SECTIONS],
        items=[
            shapes.DocumentShape(
                id=each.newest.document_id,
                section=each.newest.section,
                removed=each.removed,
                versions=[shapes.DocumentVersion.model_validate(version) for version in each.versions],
            )
            for each in found
        ],
        kept_bytes=institution_document_store.kept_bytes(connection, institution_id),
        kept_bytes_max=INSTITUTION_BYTES_MAX,
        count_max=DOCUMENTS_COUNT_MAX,
        bytes_max=DOCUMENT_BYTES_MAX,
    )


def _writer(reach: Reach) -> Writer:
    return Writer(reach.actor, reach.person.id)
