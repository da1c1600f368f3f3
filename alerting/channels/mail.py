"""E-mail over SMTP. It carries the whole text: a digest's every line."""

import smtplib
import socket
import ssl
import threading
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime
from typing import Final
from urllib.parse import unquote, urlsplit

from alerting.channels.letter import Letter
from alerting.delivery import URGENT, Answer, Outcome
from alerting.errors import ContactInvalid
from alerting.settings import NotifySettings

_PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_ADDRESS_CHARS_MAX: Final = 254


class Mail:
    """The channel."""

    def __init__(self, settings: NotifySettings) -> None:
        self._settings = settings

    def check(self, address: str) -> None:
        """See Channel.check."""
        plain = address.removeprefix("mailto:")
        try:
            parsed = Address(addr_spec=plain)
        except (ValueError, IndexError) as error:
            raise ContactInvalid("this is no e-mail address") from error
        if not parsed.username or "." not in parsed.domain + "." or len(plain) > _ADDRESS_CHARS_MAX:
            raise ContactInvalid("this is no e-mail address")

    def send(self, letter: Letter) -> Answer:
        """See Channel.send."""
        if self._settings.smtp_url is None:
            return Answer(Outcome.REFUSED, "no SMTP server is configured")
        try:
            self.check(letter.address)
            message = self._message(letter)
        except (ContactInvalid, ValueError):
            return Answer(Outcome.REFUSED, "this is no e-mail address")
        handed_over = threading.Event()
        try:
            self._hand_over(message, letter.address.removeprefix("mailto:"), handed_over)
        except smtplib.SMTPResponseException as error:
            outcome = Outcome.FAILED if 400 <= error.smtp_code < 500 else Outcome.REFUSED
            return Answer(outcome, f"SMTP {error.smtp_code}")
        except smtplib.SMTPNotSupportedError:
            return Answer(Outcome.REFUSED, "the SMTP server lacks what is asked of it")
        except (smtplib.SMTPException, OSError, ValueError) as error:  # ValueError: a socket shut at the time limit
            outcome = Outcome.LOST if handed_over.is_set() else Outcome.FAILED
            return Answer(outcome, f"SMTP broke off ({type(error).__name__})")
        return Answer(Outcome.SENT, "SMTP 250")

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["Subject"] = " ".join(letter.title.split())
        message["From"] = self._settings.smtp_from
        message["To"] = letter.address.removeprefix("mailto:")
        message["Date"] = format_datetime(localtime())
        message["Message-ID"] = f"<{letter.key}@anhu>"  # the same at every attempt, so that a mailbox can tell
        if letter.urgency < URGENT:
            message["X-Priority"] = "1"
            message["Importance"] = "high"
        message.set_content(letter.text(None), cte="base64")
        return message

    def _hand_over(self, message: EmailMessage, to: str, handed_over: threading.Event) -> None:
        url = urlsplit(self._settings.smtp_url.get_secret_value() if self._settings.smtp_url else "")
        limit_s = self._settings.send_s_max
        host, port = url.hostname or "localhost", url.port or _PORTS.get(url.scheme, 25)
        context = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(timeout=limit_s, context=context)
            if url.scheme == "smtps"
            else smtplib.SMTP(timeout=limit_s)
        )
        # smtplib's own time limit is for each read; this one is for the whole conversation
        guard = threading.Timer(limit_s, _cut, [server])
        guard.daemon = True
        guard.start()
        try:
            _expect(server.connect(host, port))
            server.ehlo_or_helo_if_needed()
            if url.scheme == "smtp+starttls":
                server.starttls(context=context)
                server.ehlo()
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            _expect(server.mail(self._settings.smtp_from))
            _expect(server.rcpt(to))
            handed_over.set()
            _expect(server.data(message.as_bytes(policy=SMTP)))
        finally:
            guard.cancel()
            server.close()


def _expect(said: tuple[int, bytes]) -> None:
    if not 200 <= said[0] < 300:
        raise smtplib.SMTPResponseException(said[0], "")  # not its text, which may repeat the address


def _cut(server: smtplib.SMTP) -> None:
    if server.sock is not None:
        server.sock.shutdown(socket.SHUT_RDWR)
