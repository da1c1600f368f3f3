"""The page behind an acknowledge link: what is the matter, and a button for each alert.

No sign-in and no script, so that it works on any phone; looking at it changes nothing, because chat programs fetch
links before anybody presses them.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Final
from urllib.parse import parse_qs
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import HTMLResponse, RedirectResponse

from alerting import acknowledge_link, wording
from alerting.acknowledge_link import Opened
from alerting.alert import Alert
from alerting.errors import LinkRefused
from dashboard.access import Serving
from dashboard.errors import BadRequest
from dashboard.service import Service
from ingest import directory
from ingest.database import Connection
from ingest.registry import Registry

router = APIRouter(include_in_schema=False)

log = structlog.get_logger(__name__)
Token = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]

_HEADERS: Final = {
    # The address is the key: it must not be kept, nor handed to another site.
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
}
_PAGE: Final = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body{{font:17px/1.5 system-ui,"PingFang SC","Microsoft YaHei",sans-serif;margin:0 auto;max-width:40rem;padding:1rem;
color:#1c1c1e;background:#fff}}h1{{font-size:1.2rem}}article{{border:1px solid #c7c7cc;border-left:.5rem solid #8e8e93;
border-radius:.5rem;margin:1rem 0;padding:.75rem 1rem}}article.critical,article.high{{border-left-color:#c00020}}
h2{{font-size:1.1rem;margin:0 0 .25rem}}p{{margin:.25rem 0;white-space:pre-line}}button{{font:inherit;font-weight:600;
width:100%;min-height:3.2rem;margin-top:.75rem;border:0;border-radius:.5rem;background:#0a5bd3;color:#fff}}
.done{{color:#12662f;font-weight:600}}@media(prefers-color-scheme:dark){{body{{background:#111;color:#eee}}
.done{{color:#5fd08a}}}}</style></head><body><h1>{title}</h1>{content}</body></html>"""
_WORDS: Final = {
    "title": ("安护报警", "Anhu alerts"),
    "button": ("我已知晓，马上处理", "I have seen this and am acting"),
    "done": ("已由 {who} 于 {at} 确认", "Acknowledged by {who} at {at}"),
    "hello": ("{name}，请确认：", "{name}, please acknowledge:"),
    "refused": ("此链接无法使用", "This link cannot be used"),
    "hint": ("请登录安护值班页面查看和确认报警。", "Sign in to Anhu to see and acknowledge alerts."),
}


async def _alert_of(request: Request) -> UUID:
    """Which button was pressed. Raises BadRequest."""
    return named_alert(await request.body())


def named_alert(body: bytes) -> UUID:
    """The alert that the form in `body` names. Raises BadRequest."""
    form = parse_qs(body.decode("ascii", "replace"))
    try:
        return UUID(form.get("alert", [""])[0])
    except ValueError as error:
        raise BadRequest("the form names no alert") from error


@router.get("/a/{token}", response_model=None)
def show(token: Token, serving: Serving) -> HTMLResponse:
    """Show the alerts of the link."""
    with serving.as_service() as connection:
        try:
            opened = acknowledge_link.show(connection, token, datetime.now(UTC))
        except LinkRefused:
            return _refused()
        return _page(opened, _places(connection, opened.alerts))


@router.post("/a/{token}", response_model=None)
def acknowledge(
    token: Token, alert: Annotated[UUID, Depends(_alert_of)], serving: Serving
) -> HTMLResponse | RedirectResponse:
    """Acknowledge one of them, and show how they stand."""
    try:
        taken = _use(serving, token, alert)
    except LinkRefused as error:
        log.info("acknowledge link refused", alert_id=str(alert), reason=str(error))
        return _refused()
    log.info("acknowledged by link", alert_id=str(alert), by=taken.acknowledged_by)
    return RedirectResponse(f"/a/{token}", 303, _HEADERS)


def _use(serving: Service, token: str, alert_id: UUID) -> Alert:
    with serving.as_service() as connection:
        return acknowledge_link.use(connection, token, alert_id, datetime.now(UTC))


def _places(connection: Connection, alerts: Sequence[Alert]) -> Registry:
    """As much of the registry as these alerts name."""
    sources = [alert.source for alert in alerts]
    return Registry.build(
        0,
        directory.institutions(connection, _known(each.institution_id for each in sources)),
        directory.zones(connection, _known(each.zone_id for each in sources)),
        directory.devices(connection, _known(each.device_id for each in sources)),
        [],
    )


def _known(numbers: Iterable[int | None]) -> set[int]:
    return {number for number in numbers if number is not None}


def _page(opened: Opened, registry: Registry) -> HTMLResponse:
    language = opened.link.person.language
    hello = _word("hello", language).format(name=opened.link.person.name)
    articles = [_article(alert, registry, language) for alert in opened.alerts]
    return _html(language, _word("title", language), f"<p>{escape(hello)}</p>" + "".join(articles), 200)


def _article(alert: Alert, registry: Registry, language: str) -> str:
    title = wording.title(alert, registry, language)
    text = wording.body(alert, language, (), again=alert.occurrences > 1, flapping=False)
    if alert.acknowledged:
        who = (alert.acknowledged_by or "").rpartition(":")[2]
        at = wording.clock(alert.acknowledged_at) if alert.acknowledged_at else ""
        end = f'<p class="done">{escape(_word("done", language).format(who=who, at=at))}</p>'
    else:
        end = (
            f'<form method="post"><input type="hidden" name="alert" value="{alert.id}">'
            f"<button>{escape(_word('button', language))}</button></form>"
        )
    return f'<article class="{alert.priority}"><h2>{escape(title)}</h2><p>{escape(text)}</p>{end}</article>'


def _refused() -> HTMLResponse:
    """The same whatever is wrong with it: a link says nothing to who must not have it."""
    lines = "".join(f"<p>{escape(_word('hint', language))}</p>" for language in ("zh", "en"))
    return _html("zh", " · ".join(_WORDS["refused"]), lines, 410)


def _html(language: str, title: str, content: str, status: int) -> HTMLResponse:
    lang = "zh-CN" if language == "zh" else "en"
    return HTMLResponse(_PAGE.format(lang=lang, title=escape(title), content=content), status, _HEADERS)


def _word(name: str, language: str) -> str:
    return _WORDS[name][language == "en"]
