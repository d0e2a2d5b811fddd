"""The small authority of a site: it signs the certificate of the site's own broker.

One file holds its key and its certificate (PEM, mode 0600). Devices get the certificate at
provisioning, and believe in no other authority. Certificates are valid from 1970 until the year
9999: a board without a clock believes that it is 1970 or 2021, and nothing at a site may stop
because a date has passed. The broker's own key and certificate are made anew at each start and
every month.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from countersign_gateway.model import OperatorError

NOT_BEFORE = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NOT_AFTER = datetime.datetime(9999, 12, 31, 23, 59, 59, tzinfo=datetime.UTC)  # RFC 5280: no end


class AuthorityUnusable(OperatorError):
    """The authority's file cannot be used. The text names the file, and no part of the key."""


def create_authority(path: Path, site: str) -> None:
    """Make a new authority. AuthorityUnusable if `path` exists already."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"Countersign site {site}")
    certificate = (
        _builder(name, name, key.public_key())
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise AuthorityUnusable(f"{path} exists already; a key is never overwritten") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(_key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM))
        file.flush()
        os.fsync(file.fileno())


class SiteAuthority:
    """The key and certificate of one site's authority."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self._key = key
        self._certificate = certificate

    @classmethod
    def from_file(cls, path: Path) -> SiteAuthority:
        """AuthorityUnusable unless the file is private and holds a key and its certificate."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError as error:
            raise AuthorityUnusable(
                f"{path} cannot be opened: {error.strerror} (countersign gateway init makes it)"
            ) from None
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_mode & 0o077:
                raise AuthorityUnusable(f"{path} can be read by others: run chmod 600 {path}")
            text = file.read(65536)
        try:
            key = serialization.load_pem_private_key(text, None)
            certificate = x509.load_pem_x509_certificate(text)
        except (ValueError, TypeError):
            raise AuthorityUnusable(f"{path} holds no key and certificate") from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise AuthorityUnusable(f"{path} holds a key of another kind")
        if key.public_key() != certificate.public_key():
            raise AuthorityUnusable(f"{path} holds a certificate of another key")
        return cls(key, certificate)

    def __repr__(self) -> str:
        return f"SiteAuthority({self._certificate.subject.rfc4514_string()!r})"

    def certificate_der(self) -> bytes:
        """What devices take as tls_ca_path."""
        return self._certificate.public_bytes(serialization.Encoding.DER)

    def certificate_pem(self) -> str:
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def issue(self, names: Sequence[str]) -> tuple[str, str]:
        """(key, certificate) of a broker, in PEM. names: host names and addresses in them."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = []
        for name in names:
            # Not every board's TLS looks at addresses, so an address stands among the names too.
            alternatives.append(x509.DNSName(name))
            try:
                alternatives.append(x509.IPAddress(ipaddress.ip_address(name)))
            except ValueError:
                continue
        certificate = (
            _builder(_name(names[0]), self._certificate.subject, key.public_key())
            .add_extension(x509.BasicConstraints(False, None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return _key_pem(key).decode(), pem


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOT_BEFORE)
        .not_valid_after(NOT_AFTER)
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
