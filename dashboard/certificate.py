"""The page's own TLS: a certificate that is taken up anew when its files change, without a restart."""

import ssl
from pathlib import Path

import structlog

from dashboard.errors import CertificateUnusable

log = structlog.get_logger(__name__)


class Certificate:
    """A certificate and its key in two PEM files. Raises CertificateUnusable where they are of no use."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._certificate, self._key = certificate, key
        try:
            self._seen = self._state()
            _loaded(certificate, key)
        except (OSError, ValueError) as error:
            raise CertificateUnusable(f"{certificate}, {key}: {error}") from error

    def take_up(self, context: ssl.SSLContext) -> bool:
        """Whether the files have changed and the context now shows the new certificate to who connects next. Files that
        do not fit each other (one was written, the other not yet) are looked at again the next time."""
        try:
            state = self._state()
            if state == self._seen:
                return False
            _loaded(self._certificate, self._key)  # first aside: a pair that does not fit would spoil the one in use
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ValueError) as error:
            log.warning("renewed certificate not taken up", certificate=str(self._certificate), reason=str(error))
            return False
        self._seen = state
        log.info("renewed certificate taken up", certificate=str(self._certificate))
        return True

    def _state(self) -> tuple[tuple[int, int], ...]:
        stats = [path.stat() for path in (self._certificate, self._key)]
        return tuple((each.st_mtime_ns, each.st_ino) for each in stats)


def _loaded(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key, password=_no_password)
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted, and nobody is there to enter its password")
