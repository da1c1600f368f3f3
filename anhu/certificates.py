"""A certificate authority of a house's own, for brokers that gateways of the same house reach: made, renewed and
described, purely; `now` is the caller's.

The authority's certificate is what gateways are given. It may vouch for names and addresses of this house and for
nothing else it was not asked about, and for no further authority. Keys are P-256, which every gateway can do.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from anhu.errors import CertificatesUnusable

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 397  # what clients of today accept at most of a server
_BACKDATED: Final = timedelta(hours=1)  # a gateway's clock may be late


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as PEM."""

    certificate: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """What a certificate says: whom it is for, until when, and its SHA-256 fingerprint as gateways show it."""

    names: tuple[str, ...]
    not_after: datetime
    fingerprint: str


def make_authority(name: str, now: datetime, days: int = AUTHORITY_DAYS) -> Pair:
    """An authority that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = _usage(signs_certificates=True)
    certificate = (
        _begun(subject, subject, key.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )
    return _pair(certificate, key)


def make_server(authority: Pair, names: Sequence[str], now: datetime, days: int = SERVER_DAYS) -> Pair:
    """A server's certificate for these host names and addresses, with a new key. It never outlives its authority.
    Raises CertificatesUnusable."""
    if not names:
        raise CertificatesUnusable("a server's certificate is for at least one name or address")
    issuer, issuer_key = _read(authority)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise CertificatesUnusable("the authority's key is not one that was made here")
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    left = (issuer.not_valid_after_utc - now).days
    if left < 1:
        raise CertificatesUnusable(f"the authority's certificate ended on {issuer.not_valid_after_utc:%Y-%m-%d}")
    certificate = (
        _begun(subject, issuer.subject, key.public_key(), now, min(days, left))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .sign(issuer_key, SHA256())
    )
    return _pair(certificate, key)


def describe(certificate: bytes) -> Description:
    """Of the first certificate in a PEM file. Raises CertificatesUnusable."""
    found = _certificate(certificate)
    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = tuple(str(each.value) for each in extension)
    except x509.ExtensionNotFound:
        names = ()
    digest = found.fingerprint(SHA256()).hex().upper()
    return Description(names, found.not_valid_after_utc, ":".join(digest[at : at + 2] for at in range(0, 64, 2)))


def vouches(authority: bytes, certificate: bytes) -> bool:
    """Whether that authority has signed that certificate. Raises CertificatesUnusable."""
    try:
        _certificate(certificate).verify_directly_issued_by(_certificate(authority))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _begun(
    subject: x509.Name, issuer: x509.Name, key: CertificateIssuerPublicKeyTypes, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + timedelta(days=days))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name.encode("idna").decode("ascii"))
    except (UnicodeError, ValueError) as error:
        raise CertificatesUnusable(f"{name!r} is neither a host name nor an address") from error


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    return Pair(
        certificate.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise CertificatesUnusable(f"no certificate: {error}") from error


def _read(pair: Pair) -> tuple[x509.Certificate, object]:
    try:
        return _certificate(pair.certificate), load_pem_private_key(pair.key, None)
    except (ValueError, TypeError) as error:
        raise CertificatesUnusable(f"no key: {error}") from error
