"""How every client of ours holds a broker's TLS: TLS 1.2 at least, a name that fits, and a certificate that is vouched
for by the authorities of this system, or by those of a file alone (a house's own, `anhu tls init`).
"""

import ssl
from pathlib import Path
from typing import Final

from ingest.errors import BrokerUnavailable
from ingest.settings import Connections

SETTING: Final = "ANHU_MQTT_CA_FILE"


def client_context(authorities: Path | None = None) -> ssl.SSLContext:
    """For a client; `authorities` is a PEM file, by default that of the settings. Raises BrokerUnavailable where it
    cannot be read."""
    file = authorities or Connections().mqtt_ca_file
    try:
        context = ssl.create_default_context(cafile=str(file) if file else None)
    except (OSError, ssl.SSLError) as error:
        raise BrokerUnavailable(f"{SETTING}={file}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def refusal(error: OSError) -> str:
    """Why there is no connection, in words that tell what to look at where it is a matter of certificates.

    >>> refusal(OSError("no route"))
    'no route'
    """
    if not isinstance(error, ssl.SSLCertVerificationError):
        return str(error)
    told = {
        10: "the broker's certificate has expired: renew it (anhu tls renew) and restart the broker",
        9: "the broker's certificate is not valid yet: look at the clocks",
        62: "the broker's certificate is for another name than the address says",
        64: "the broker's certificate is for another address than the one connected to",
    }
    unknown = f"nobody we trust vouches for the broker's certificate: name the authority's file in {SETTING}"
    return f"{told.get(error.verify_code, unknown)} ({error.verify_message})"
