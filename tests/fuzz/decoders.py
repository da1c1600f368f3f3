"""Everything that reads what others send, for hypothesis (tests/unit/test_decoders.py) and atheris (tests/fuzz) alike:
how it is called, what it may raise, and what it is known to read.

A module that begins to read foreign bytes gets a line in DECODERS, or is named in OURS with whose bytes it reads:
tests/unit/test_decoders.py finds one that has neither.
"""

import io
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from alerting import escalation, floor_plan, plan_card, rules, rules_lines
from alerting.channels import bots, sms
from alerting.errors import FloorPlanRefused, PlanInvalid, PolicyInvalid, RulesInvalid
from dashboard import id_token, oidc, page, request_body, request_origin
from dashboard.account_key import AccountKey
from dashboard.device_name import device_name
from dashboard.errors import BadRequest, ProviderRefused
from dashboard.routers import acknowledge, alerts, audit, credit_lists, hazards, inspections, people
from dashboard.routers.live import _REQUEST
from dashboard.schemas.phone import PhoneAct
from ingest import panel_report, registry_file, route_file
from ingest.edge_node import EdgeNode, Exchange
from ingest.errors import DrillMessageRefused, RegistryFileInvalid, RoutesInvalid
from ingest.formats import FORMATS, acceleration, drill, gb26875, gb26875_frame, sparkplug
from ingest.intake import take_in
from ingest.message import Limits, Message
from ingest.mqtt_packet import end_of_packet, publish
from ingest.reading import Decoded, Rejection, from_us
from ingest.routes import Route
from inspection import (
    checklist,
    commitment,
    credit_criteria,
    draw,
    institution_document,
    institution_file_workbook,
    photo,
    policy,
    protection_policy,
    rating_policy,
    weighing,
)
from inspection.errors import (
    ChecklistInvalid,
    CommitmentTextInvalid,
    CreditCriteriaInvalid,
    DocumentRefused,
    DrawFalse,
    FileInvalid,
    HazardPolicyInvalid,
    PhotoRefused,
    ProtectionPolicyInvalid,
    RatingPolicyInvalid,
    WorkbookRefused,
)
from inspection.institution_file import InstitutionFile, Kept, Practice
from tests.unit import test_acceleration_format, test_draw, test_edge_node, test_registry_file, test_route_file
from tests.unit.test_panel_report import REGISTRY, T0, component, frame

_LIMITS: Final = Limits(2000, 60_000_000, 7 * 86_400_000_000)


@dataclass(frozen=True)
class Decoder:
    """`read` takes any bytes and raises nothing but `errors`; the modules in `covers` need no other line. `seeds` are
    bytes it reads: at least one of them without an error."""

    name: str
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    covers: tuple[str, ...]
    seeds: Callable[[], Sequence[bytes]]
    heavy: bool = False  # takes milliseconds: fewer examples

    def run(self, data: bytes) -> object:
        """What it makes of `data`; None where it refuses. Raises what it must not."""
        try:
            return self.read(data)
        except self.errors:
            return None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # half signs too: a file or a header can bring them


def _wire(read: Callable[..., object]) -> Callable[[bytes], object]:
    """A decoder of messages, with and without a device in the topic: it answers, whatever comes."""

    def both(data: bytes) -> object:
        found: list[Decoded] = [read(data, device, T0) for device in ("d1", None)]
        return found if any(each.samples for each in found) else None

    return both


_MESSAGES: Final[Mapping[str, Sequence[bytes]]] = {
    "native": [b'{"measured_at":"2026-11-22T08:00:00Z","values":{"co":1.5,"gas":null}}', b'[{"values":{"co":1}}]'],
    "senml": [b'[{"bn":"d/","bt":1795305600.001,"bu":"Cel","bver":5,"n":"temperature","v":23},{"n":"sos","vb":true}]'],
    "radar": [b'{"measured_at":"2026-11-22T08:00:00Z","presence":true,"event":"fall","fall":false}'],
    "zigbee2mqtt": [b'{"smoke":true,"battery":88,"last_seen":"2026-11-22T08:00:00Z","action":"emergency"}'],
    "zigbee2mqtt_availability": [b'{"state":"offline"}', b"online"],
    "chirpstack_up": [
        b'{"deviceInfo":{"devEui":"0102030405060708","deviceName":"x"},"time":"2026-11-22T08:00:00Z","object":{"co":3}}'
    ],
    "chirpstack_status": [b'{"deviceInfo":{"devEui":"0102030405060708"},"margin":7,"batteryLevel":70.5}'],
}  # fmt: skip


def _sparkplug(data: bytes) -> object:
    nodes: dict[str, EdgeNode] = {}
    found: list[object] = []
    for kind in ("NBIRTH/gw", "DBIRTH/gw/dev", "DDATA/gw/dev", "NDEATH/gw"):
        exchange = Exchange(nodes)
        found.append(exchange.read(f"spBv1.0/home/{kind}", data, Route("sparkplug", "home", kind, {}), T0))
    told = sparkplug.decode(data)
    return None if isinstance(told, Rejection) else (found, told)


def _panel(data: bytes) -> object:
    whole = panel_report.read(data, _PANEL_DEVICE, REGISTRY, T0)
    reader = gb26875_frame.Reader()
    found = [each for start in range(0, len(data), 7) for each in reader.feed(data[start : start + 7])]
    gb26875.decode_unit(data[:1024])
    found += reader.give_up()
    return None if whole.rejections else (whole, found)


_PANEL_DEVICE: Final = next(each for each in REGISTRY.devices.values() if each.code == "fp-1")


def _packets(data: bytes) -> object:
    end = end_of_packet(data, 0)
    return publish(data[:end]) if data and end is not None and end <= len(data) else None


def _intake(data: bytes) -> object:
    topic, _, payload = data.partition(b"\n")
    taken = take_in([Message(topic.decode("utf-8", "replace"), payload, T0)], REGISTRY, _LIMITS, b"k" * 32)
    return taken if len(taken.readings.value) else None


_ORDER: Final = drill.Order(UUID(int=7), "fire", T0, 60.0, "all")


@cache
def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k"})


_EXPECTED: Final = id_token.Expected("https://id.example.org", "anhu", "nonce")
_CLAIMS: Final = {
    "iss": _EXPECTED.issuer, "aud": _EXPECTED.client_id, "sub": "s", "exp": T0 // 1_000_000 + 60,
    "iat": T0 // 1_000_000, "nonce": _EXPECTED.nonce, "amr": ["pwd", "otp"], "azp": "anhu",
    "preferred_username": "nurse",
}  # fmt: skip


def _token(data: bytes) -> object:
    """The token as it came; and the same claims signed by the provider, who may say odd things, too."""
    keys, now_s = KeySet([_key()]), T0 / 1e6
    try:
        claims = orjson.loads(data)
    except orjson.JSONDecodeError:
        claims = None
    if not isinstance(claims, dict):
        return id_token.read(_text(data), keys, _EXPECTED, now_s)
    try:
        signed = jwt.encode({"alg": "RS256", "kid": "k"}, claims, _key())
    except (ValueError, TypeError):
        return None  # the library of ours that signs will not: no provider could
    read = id_token.read(signed, keys, _EXPECTED, now_s)
    return read, read.account("preferred_username")


@cache
def _account_key() -> AccountKey:
    return AccountKey(Path(tempfile.mkdtemp(prefix="anhu-test-")) / "account.key")


def _cursors(data: bytes) -> object:
    text, found, refused = _text(data), [], 0
    for read in (
        *(lambda each=each: alerts.decode_cursor(text, each) for each in alerts.Which),
        *(lambda each=each: hazards._decode_cursor(text, each) for each in hazards.Which),
        lambda: inspections._decode_cursor(text), lambda: credit_lists._decode_cursor(text),
        lambda: people._decode_cursor(text), lambda: audit._position(text),
    ):  # fmt: skip
        try:
            found.append(read())
        except BadRequest:
            refused += 1
    return found or None


def _own_cursors() -> Sequence[bytes]:
    position = alerts.Position(2, from_us(T0), UUID(int=7))
    return [alerts.encode_cursor(position, each).encode() for each in alerts.Which]


def _read_or_none(told: object) -> object:
    return None if isinstance(told, Rejection) else told


def _headers(data: bytes) -> object:
    text = data.decode("latin-1")
    return (
        device_name(text),
        page._readable(text),
        request_origin.origin_permitted(request_origin.Headers({"origin": text, "host": "a"}), []),
    )


def _rules(text: str) -> object:
    try:
        return rules.parse(text)
    except RulesInvalid as error:
        rules_lines.placed(text, error.problems)
        return None


def _drawn(data: bytes) -> object:
    record = orjson.loads(data)
    return draw.verify(record) if isinstance(record, dict) else None


def _csv() -> bytes:
    return f"{test_registry_file.HEADER}\n{','.join(test_registry_file.GOOD.values())}\n".encode()


def _seed_files(*paths: str) -> Callable[[], Sequence[bytes]]:
    root = Path(__file__).parents[2]
    return lambda: [path.read_bytes() for pattern in paths for path in sorted(root.glob(pattern))]


def _image(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, (24, 16), "red" if mode == "RGB" else 1).save(written, kind, **options)
    return written.getvalue()


def _images() -> Sequence[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [_image("JPEG", exif=exif), _image("PNG", "P"), _image("WEBP"), _image("PNG")]


def _packed(**parts: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)
    return written.getvalue()


def _documents() -> Sequence[bytes]:
    office = _packed(**{"[Content_Types].xml": b"<x/>", "word__document.xml": b"<x/>"})
    return [b"%PDF-1.7\n%%EOF", office, _packed(**{"OFD.xml": b"<x/>"}), *_images()]


_CONTACTS: Final = {"contacts": Kept(0, ({"what": "duty", "name": "x", "phone": "119"},))}


def _workbooks() -> Sequence[bytes]:
    entry = institution_file_workbook.Entry("home-1", "安和", InstitutionFile(0, "", _CONTACTS, (), Practice()))
    return [institution_file_workbook.workbook([entry], "zh")]


_SVG: Final = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><g transform="translate(1,2)">
<path d="M0 0h4" style="stroke:#f00;fill:url(#a)"/><text x="1" y="2">101</text></g></svg>"""
_ACT: Final = (
    b'{"id":"00000000-0000-4000-8000-000000000000","subject_id":null,"act":{"verb":"conclude","conclusion":"x"},'
    b'"done_at":"2026-11-22T08:00:00Z","sent_at":"2026-11-22T08:00:00+08:00","latitude":1.5,"longitude":2,"accuracy_m":3}'
)


def _policy_file(name: str, read: Callable[[str], object], error: type[Exception], module: str, *paths: str) -> Decoder:
    return Decoder(name, lambda data: read(_text(data)), (error,), (module,), _seed_files(*paths))


_TOML: Final = (
    Decoder(
        "rules", lambda data: _rules(_text(data)), (), ("alerting.rules", "alerting.rules_lines", "ingest.toml_text"),
        _seed_files("alerting/rules.toml"),
    ),
    _policy_file(
        "escalation", escalation.parse, PolicyInvalid, "alerting.escalation", "alerting/policies/default.toml"
    ),
    _policy_file("plan_cards", plan_card.parse, PlanInvalid, "alerting.plan_card", "alerting/plans/default.toml"),
    _policy_file(
        "credit_criteria", credit_criteria.parse, CreditCriteriaInvalid, "inspection.credit_criteria",
        "inspection/policies/credit-lists.toml",
    ),
    _policy_file(
        "checklist", lambda text: checklist.parse(text, checklist.shipped()), ChecklistInvalid, "inspection.checklist",
        "inspection/checklists/duties.toml", "inspection/checklists/self-check.toml",
    ),
    _policy_file(
        "protection_policy", protection_policy.parse, ProtectionPolicyInvalid, "inspection.protection_policy",
        "inspection/policies/protections.toml",
    ),
    _policy_file(
        "commitment", commitment.parse, CommitmentTextInvalid, "inspection.commitment",
        "inspection/policies/commitment.toml",
    ),
    _policy_file("draw_weights", weighing.parse, FileInvalid, "inspection.weighing", "inspection/policies/draw.toml"),
    _policy_file(
        "rating_policy", rating_policy.parse, RatingPolicyInvalid, "inspection.rating_policy",
        "inspection/policies/rating-standard.toml", "inspection/policies/rating-base80.toml",
    ),
    _policy_file(
        "hazard_policy", policy.parse, HazardPolicyInvalid, "inspection.policy", "inspection/policies/hazards.toml"
    ),
    Decoder(
        "routes_file", lambda data: route_file.parse(_text(data)), (RoutesInvalid,), ("ingest.route_file",),
        lambda: [test_route_file.FILE.encode()],
    ),
    Decoder(
        "registry_toml", lambda data: registry_file.parse(_text(data), suffix=".toml"), (RegistryFileInvalid,),
        ("ingest.registry_file",), lambda: [test_registry_file.TOML.encode()],
    ),
    Decoder(
        "registry_csv", lambda data: registry_file.parse(_text(data), suffix=".csv"), (RegistryFileInvalid,),
        ("ingest.registry_file",), lambda: [_csv()],
    ),
)  # fmt: skip
_PACKET: Final = b"\x32\x11\x00\x05a/b/c\x00\x07\x00payload"
_NODE: Final = (test_edge_node.NODE_BIRTH, test_edge_node.DEVICE_BIRTH)
_PANEL_FRAMES: Final = (
    frame(bytes([2, 1]) + component(10, 0b10, "hall")), frame(bytes([1, 1, 1, 1, 1, 0]) + bytes(6)),
)  # fmt: skip
_ANSWERS: Final = (b'{"errcode":0,"errmsg":"ok"}', b'{"code":9499,"msg":"x"}')

DECODERS: Final[tuple[Decoder, ...]] = (
    *(
        Decoder(f"format_{name}", _wire(read), (), (read.__module__,), lambda name=name: _MESSAGES[name])
        for name, read in FORMATS.items()
    ),
    Decoder(
        "format_acceleration", lambda data: _read_or_none(acceleration.decode(data)), (),
        ("ingest.formats.acceleration",), lambda: [orjson.dumps(test_acceleration_format.GOOD)],
    ),
    Decoder(
        "format_sparkplug", _sparkplug, (), ("ingest.formats.sparkplug", "ingest.edge_node"), lambda: _NODE,
    ),
    Decoder(
        "format_drill", lambda data: drill.decode(data, "home", None, T0, b"k" * 32), (DrillMessageRefused,),
        ("ingest.formats.drill",), lambda: [drill.encode(_ORDER, "home", None, b"k" * 32)],
    ),
    Decoder(
        "fire_panel", _panel, (), ("ingest.formats.gb26875", "ingest.formats.gb26875_frame", "ingest.panel_report"),
        lambda: _PANEL_FRAMES,
    ),
    Decoder("mqtt_packet", _packets, (ValueError,), ("ingest.mqtt_packet",), lambda: [_PACKET]),
    Decoder(
        "intake", _intake, (), ("ingest.intake", "ingest.routes", "ingest.formats.json_text"),
        lambda: [b'anhu/v1/home/smk-10/readings\n{"values":{"smoke_alarm":1}}', b"anhu/v1/home/senml\n[]"],
    ),
    *_TOML,
    Decoder(
        "workbook", institution_file_workbook.read, (WorkbookRefused,), ("inspection.institution_file_workbook",),
        _workbooks, heavy=True,
    ),
    Decoder("photo", photo.redraw, (PhotoRefused,), ("inspection.photo",), _images, heavy=True),
    Decoder(
        "document", institution_document.take, (DocumentRefused,), ("inspection.institution_document",), _documents,
        heavy=True,
    ),
    Decoder(
        "floor_plan", floor_plan.harmless, (FloorPlanRefused,), ("alerting.floor_plan",), lambda: [_SVG, *_images()],
        heavy=True,
    ),
    Decoder(
        "draw_record", _drawn, (DrawFalse, orjson.JSONDecodeError), ("inspection.draw",),
        lambda: [orjson.dumps(test_draw.record(test_draw.register(visits=2)))],
    ),
    Decoder("cursor", _cursors, (), ("dashboard.cursors",), _own_cursors),
    Decoder(
        "id_token", _token, (ProviderRefused,), ("dashboard.id_token",), lambda: [orjson.dumps(_CLAIMS)], heavy=True
    ),
    Decoder(
        "oidc_cookie", lambda data: oidc.unseal(_text(data), _account_key(), T0 / 1e6), (), ("dashboard.oidc",),
        lambda: [oidc.Login("s", "n", "v", "/", T0 / 1e6).seal(_account_key()).encode()],
    ),
    Decoder("header", _headers, (), ("dashboard.page",), lambda: [b"gzip, br;q=0", b"Mozilla/5.0 Chrome/140"]),
    Decoder(
        "websocket_message", _REQUEST.validate_json, (ValidationError,), ("dashboard.routers.live",),
        lambda: [b'{"type":"watch","device_id":7}'],
    ),
    Decoder(
        "phone_act", TypeAdapter(PhoneAct).validate_json, (ValidationError,), ("dashboard.routers.phone",),
        lambda: [_ACT],
    ),
    Decoder(
        "json_body", lambda data: None if request_body._unfit(data) else data, (), ("dashboard.request_body",),
        lambda: [_ACT],
    ),
    Decoder(
        "bot_answer",
        lambda data: [bots.answer(each, data) for each in (bots.WECOM, bots.DINGTALK, bots.FEISHU)], (),
        ("alerting.channels.bots",), lambda: _ANSWERS,
    ),
    Decoder(
        "sms_answer", lambda data: [sms.answer(field, "0", data) for field in ("code", "a.b", "")], (),
        ("alerting.channels.sms",), lambda: [b'{"code":0,"a":{"b":[1]}}'],
    ),
    Decoder(
        "acknowledge_form", acknowledge.named_alert, (BadRequest,), ("dashboard.routers.acknowledge",),
        lambda: [b"alert=00000000-0000-4000-8000-000000000000"],
    ),
)  # fmt: skip

# What uses a reader of bytes and needs no line above, and why.
OURS: Final[Mapping[str, str]] = {
    "ingest.edge_memory": "of the spool: Anhu wrote it",
    "ingest.mqtt": "of the spool: Anhu wrote it",
    "ingest.registry_cache": "of the spool: Anhu wrote it",
    "ingest.spool": "Anhu wrote it; that it may be cut off anywhere tests/unit/test_spool.py tries",
    "ingest.shards": "a number made of a hash, no input",
    "ingest.settings": "anhu.toml, by whoever runs the service; read with toml_text",
    "alerting.backtest_job": "from the dashboard that began it",
    "alerting.detect.fall": "a data file of this package",
    "alerting.directory_cache": "of the spool: Anhu wrote it",
    "alerting.event_json": "of the spool and the journal: Anhu wrote it",
    "alerting.hours": "a number made of a hash, no input",
    "alerting.journal": "Anhu wrote it",
    "alerting.outage_desk": "of the spool: Anhu wrote it",
    "inspection.credit_list_store": "of the database: Anhu wrote it",
    "inspection.signature_store": "of the database: Anhu wrote it",
    "dashboard.account_key": "the key file that Anhu made",
    "dashboard.backtests": "from the process it began",
    "dashboard.present_rating": "of the database: Anhu wrote it",
    "dashboard.schemas.recorded": "of the database: Anhu wrote it",
}
