"""Taking secrets and personal data out of words that are about to be logged: purely, and whatever wrote them.

Three nets lie one below the other. Fields of an event whose name says that they hold a secret lose their value.
Secrets that this process was given in its settings are looked for literally. And what has the form of a secret (the
password in an address, a cookie, a token, a chat bot's key, a mobile number, the row a database complains about) is
taken out by its form. A log says a little less than it could; it never says who is reached how, or how one gets in.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

LEFT_OUT: Final = "***"
SECRET_CHARS_MIN: Final = 6  # a shorter one is found in innocent words all over
_DEPTH_MAX: Final = 12  # of values within values; what lies deeper is not logged
_NAMES: Final = (
    "password", "passwd", "passphrase", "secret", "token", "cookie", "authorization", "api_key", "apikey",
    "account_key", "totp", "otp", "recovery_code", "private_key", "webhook", "phone", "telephone", "mobile", "contact",
    "resident", "credential",
)  # fmt: skip
_SECRET_SETTINGS: Final = re.compile(r"(PASSWORD|SECRET|TOKEN|_KEY)$")
_URL_SETTINGS: Final = re.compile(r"(_URL|_DSN)$")
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    # user:password@ in any address, up to the last @ before the path: a password may hold one that was not escaped
    (re.compile(r"(://[^:/@\s'\"]*):[^\s/'\"]*@"), rf"\1:{LEFT_OUT}@"),
    # libpq's key=value, and Python's repr of keyword arguments and settings
    (
        re.compile(
            r"(?i)((?:pass(?:word|wd|phrase)|secret|token|cookie|api_?key|totp|otp)[\w-]*['\"]?\s*[=:]\s*)"
            r"(?:b?'(?:[^'\\]|\\.)*'|b?\"(?:[^\"\\]|\\.)*\"|[^\s,;&'\")}\]]+)"
        ),
        rf"\1{LEFT_OUT}",
    ),
    (re.compile(r"(?i)\b(bearer|basic|digest)\s+[\w.~+/=:-]{6,}"), rf"\1 {LEFT_OUT}"),
    (re.compile(r"(?i)((?:^|[\s'\"{,])(?:set-)?cookie['\"]?\s*[:,=]\s*b?['\"]?)[^\r\n'\"]+"), rf"\1{LEFT_OUT}"),
    (re.compile(r"(?i)(authorization['\"]?\s*[:,=]\s*b?['\"]?)(?!bearer |basic |digest )[^\s'\",]+"), rf"\1{LEFT_OUT}"),
    (re.compile(r"\banhu_session=[^\s;'\"]+"), f"anhu_session={LEFT_OUT}"),
    (re.compile(r"\banhu[a-z]_[A-Za-z0-9_-]{16,}"), LEFT_OUT),  # our own tokens, wherever they stand
    # keys in the query of an address: WeCom's key, DingTalk's access_token and sign, OpenID Connect's code and state
    (
        re.compile(r"(?i)([?&](?:key|access_token|sign|signature|code|state|nonce|id_token)=)[^\s&'\"#]+"),
        rf"\1{LEFT_OUT}",
    ),
    (re.compile(r"(?i)(/(?:bot/(?:v2/)?hook|services|webhooks?|robot)/)[^\s?'\"#]+"), rf"\1{LEFT_OUT}"),
    (
        re.compile(r"(?i)\b((?:wecombot|dingtalk|feishu|lark|slack|tgram|mailtos?|jsons?)://)[^\s'\"]+"),
        rf"\1{LEFT_OUT}",
    ),
    (re.compile(r"(?i)\botpauth://[^\s'\"]+"), f"otpauth://{LEFT_OUT}"),
    # what PostgreSQL repeats of a row, and pydantic of an input
    (re.compile(r"Failing row contains \(.*\)"), f"Failing row contains ({LEFT_OUT})"),
    (
        re.compile(r"(Key \([^)]*\))=\(.*?\)(?= (?:already|is |conflicts|references)|\.?$)", re.MULTILINE),
        rf"\1=({LEFT_OUT})",
    ),
    (re.compile(r"input_value=.*?(?=, input_type=)"), f"input_value={LEFT_OUT}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), LEFT_OUT),
    # Chinese mobile numbers and landlines with an area code; not digits out of a longer number
    (re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d(?:[- ]?\d{4}){2}(?![\d.]\d|\d)"), LEFT_OUT),
    (re.compile(r"(?<![\d.-])0\d{2,3}-\d{7,8}(?![\d-])"), LEFT_OUT),
)
# a name that ends so tells how many, when, or of which kind, and no secret
_COUNTED: Final = ("count", "seconds", "_s", "_at", "bytes", "_id", "kind")


class Redactor:
    """Takes out `secrets`, those known literally, beside everything that looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {form for each in secrets for form in (each, unquote(each)) if len(form) >= SECRET_CHARS_MIN}
        longest_first = sorted(known, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if known else None

    def words(self, words: str) -> str:
        """The same without secrets.

        >>> Redactor().words("cannot reach mqtt://anhu:hunter22@host:1883")
        'cannot reach mqtt://anhu:***@host:1883'
        """
        if self._known is not None:
            words = self._known.sub(LEFT_OUT, words)
        for pattern, instead in _PATTERNS:
            words = pattern.sub(instead, words)
        return words

    def value(self, value: Any, depth: int = 0) -> Any:
        """A logged value without secrets: text anywhere within mappings and sequences, and what errors say."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if depth > _DEPTH_MAX:
            return LEFT_OUT
        if isinstance(value, str):
            return self.words(value)
        if isinstance(value, bytes):
            return self.words(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, Mapping):
            return {
                self.words(str(name)): LEFT_OUT if is_secret_name(str(name)) and one else self.value(one, depth + 1)
                for name, one in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(one, depth + 1) for one in value]
        return self.words(str(value))


def is_secret_name(name: str) -> bool:
    """Whether a field of that name holds what must not be logged.

    >>> [is_secret_name(name) for name in ("password", "X-Api-Key", "tokens_count", "topic")]
    [True, True, False, False]
    """
    plain = name.lower().replace("-", "_")
    return any(each in plain for each in _NAMES) and not plain.endswith(_COUNTED)


def secrets_of(env: Mapping[str, str]) -> frozenset[str]:
    """What in these settings must never be repeated: values of secrets, and the passwords in addresses.

    >>> sorted(secrets_of({"ANHU_MQTT_URL": "mqtt://a:hunter22@h", "ANHU_SMS_SECRET": "deepsecret", "HOME": "/root"}))
    ['deepsecret', 'hunter22']
    """
    found = set()
    for name, value in env.items():
        if not name.startswith(("ANHU_", "PG")) or not value:
            continue
        if _SECRET_SETTINGS.search(name) and "/" not in value:  # a path names the secret's file
            found.add(value)
        elif _URL_SETTINGS.search(name) and (password := _password(value)):
            found.add(password)
    return frozenset(found)


def _password(address: str) -> str | None:
    try:
        return urlsplit(address).password
    except ValueError:
        return None


Processor = Callable[[Any, str, dict[str, Any]], dict[str, Any]]


def processor(redactor: Redactor) -> Processor:
    """For structlog: every field of every event, traces included, that far rendered into plain values."""

    def redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        hidden = redactor.value({name: one for name, one in event.items() if not name.startswith("_")})
        return {**event, **hidden}

    return redact
