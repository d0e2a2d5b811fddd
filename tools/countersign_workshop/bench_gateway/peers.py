"""What the gateway is compared with: verification alone, other verifiers, and mTLS handshakes.

Verifiers run in this thread, and their rate is per second of CPU time of one core. Handshakes run
on every core at once, as the gateway's proofs do, and their rate is per second of CPU time of all
cores. Other programs on the machine therefore never slow a peer down, while they do slow down the
gateway, which is measured by wall time.
"""

from __future__ import annotations

import datetime
import hashlib
import multiprocessing
import os
import secrets
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import ecdsa
from coincurve import PublicKeyXOnly
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from countersign_gateway.statements.keys import SigningKey
from countersign_workshop.bench_gateway.devices import make_secrets

# Many different signatures in turn, so that no verifier profits from seeing one again.
_SAMPLES = 64
_SERVER_NAME = "gateway.bench"


def verify_per_s(duration_s: float) -> float:
    """BIP-340 by libsecp256k1 as the gateway calls it; each public key is parsed once."""
    prepared = []
    for secret in make_secrets(_SAMPLES):
        signer = SigningKey(secret)
        digest = os.urandom(32)
        prepared.append((PublicKeyXOnly(signer.public_key), signer.sign(digest), digest))

    def verify_all() -> bool:
        return all(key.verify(signature, digest) for key, signature, digest in prepared)

    return _per_cpu_s(verify_all, _SAMPLES, duration_s)


def ecdsa_verify_per_s(duration_s: float) -> float:
    """ECDSA on secp256k1 by python-ecdsa, with the tables it prepares for known keys."""
    prepared = []
    for _ in range(_SAMPLES):
        signer = ecdsa.SigningKey.generate(curve=ecdsa.SECP256k1, hashfunc=hashlib.sha256)
        key = signer.get_verifying_key()
        digest = os.urandom(32)
        prepared.append((key, signer.sign_digest(digest), digest))

    def verify_all() -> bool:
        return all(key.verify_digest(signature, digest) for key, signature, digest in prepared)

    return _per_cpu_s(verify_all, _SAMPLES, duration_s)


def p256_verify_per_s(duration_s: float) -> float:
    """ECDSA on P-256 by `cryptography` (OpenSSL); the hash of 32 bytes is included."""
    algorithm = ec.ECDSA(hashes.SHA256())
    prepared = []
    for _ in range(_SAMPLES):
        signer = ec.generate_private_key(ec.SECP256R1())
        message = os.urandom(32)
        prepared.append((signer.public_key(), signer.sign(message, algorithm), message))

    def verify_all() -> bool:
        for key, signature, message in prepared:
            key.verify(signature, message, algorithm)  # raises InvalidSignature
        return True

    return _per_cpu_s(verify_all, _SAMPLES, duration_s)


def _per_cpu_s(verify_all: Callable[[], bool], count: int, duration_s: float) -> float:
    if not verify_all():
        raise RuntimeError("a peer refuses its own signature")
    done = 0
    started_s = time.thread_time()
    while (elapsed_s := time.thread_time() - started_s) < duration_s:
        if not verify_all():
            raise RuntimeError("a peer refuses its own signature")
        done += count
    return done / elapsed_s


@dataclass(frozen=True)
class Handshakes:
    """Full TLS handshakes with client certificates, on all cores at once.

    per_s: handshakes a second if the machine ran both ends and nothing else, on all its cores.
    server_cpu_us, client_cpu_us: the CPU time of the two ends of one handshake.
    """

    version: str
    per_s: float
    server_cpu_us: float
    client_cpu_us: float


def mtls_handshakes(folder: Path, version: str, duration_s: float) -> Handshakes:
    """Measure handshakes. version: "TLSv1.3" or "TLSv1.2". Makes keys and certificates in `folder`.

    The setup favours the peer: memory in place of sockets, contexts made once, no session tickets,
    a chain of one certificate, no revocation check, no application data.
    """
    _make_certificates(folder)
    cores = os.cpu_count() or 1
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=spawning) as pool:
        # A short first round makes all workers ready, so that they start together.
        list(pool.map(_handshake_worker, *_arguments(cores, folder, version, 0.05)))
        parts = list(pool.map(_handshake_worker, *_arguments(cores, folder, version, duration_s)))
    done = sum(count for count, _, _, _ in parts)
    return Handshakes(
        version,
        sum(count / cpu_s for count, cpu_s, _, _ in parts),
        1e6 * sum(server_s for _, _, server_s, _ in parts) / done,
        1e6 * sum(client_s for _, _, _, client_s in parts) / done,
    )


def _arguments(
    cores: int, folder: Path, version: str, duration_s: float
) -> tuple[list[Path], list[str], list[float]]:
    return [folder] * cores, [version] * cores, [duration_s] * cores


def _handshake_worker(
    folder: Path, version: str, duration_s: float
) -> tuple[int, float, float, float]:
    """(handshakes, CPU s of all, CPU s of the server's side, CPU s of the client's side)."""
    server_context = _context(ssl.PROTOCOL_TLS_SERVER, folder, "server", version)
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.num_tickets = 0
    client_context = _context(ssl.PROTOCOL_TLS_CLIENT, folder, "client", version)
    count = 0
    server_s = client_s = 0.0
    started_s = time.thread_time()
    while (cpu_s := time.thread_time() - started_s) < duration_s:
        spent_server_s, spent_client_s = _handshake(server_context, client_context)
        server_s += spent_server_s
        client_s += spent_client_s
        count += 1
    return count, cpu_s, server_s, client_s


def _handshake(
    server_context: ssl.SSLContext, client_context: ssl.SSLContext
) -> tuple[float, float]:
    """Do one full handshake. Returns the CPU seconds of the server's side and of the client's."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_s = client_s = 0.0
    begun_s = time.thread_time()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=_SERVER_NAME)
    made_s = time.thread_time()
    client_s += made_s - begun_s
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    server_s += time.thread_time() - made_s
    client_done = server_done = False
    while not (client_done and server_done):
        if not client_done:
            begun_s = time.thread_time()
            client_done = _step(client)
            client_s += time.thread_time() - begun_s
        if not server_done:
            begun_s = time.thread_time()
            server_done = _step(server)
            server_s += time.thread_time() - begun_s
    if server.getpeercert(binary_form=True) is None:
        raise RuntimeError("the server saw no client certificate")
    return server_s, client_s


def _step(side: ssl.SSLObject) -> bool:
    """Whether this side's handshake is complete now."""
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def _context(protocol: int, folder: Path, name: str, version: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = context.maximum_version = {
        "TLSv1.2": ssl.TLSVersion.TLSv1_2,
        "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    }[version]
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    context.load_verify_locations(folder / "authority.pem")
    return context


def _make_certificates(folder: Path) -> None:
    """A P-256 authority and one certificate of each side, signed by it."""
    if (folder / "authority.pem").exists():
        return
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("authority", authority_key, None, authority_key)
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(name, key, authority, authority_key)
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        descriptor = os.open(folder / f"{name}.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(private)


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(secrets.token_bytes(16), "big") >> 1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
    )
    if name == "server":
        names = x509.SubjectAlternativeName([x509.DNSName(_SERVER_NAME)])
        builder = builder.add_extension(names, critical=False)
    if issuer is not None:
        purpose = {
            "server": ExtendedKeyUsageOID.SERVER_AUTH,
            "client": ExtendedKeyUsageOID.CLIENT_AUTH,
        }[name]
        usage = x509.ExtendedKeyUsage([purpose])
        builder = builder.add_extension(usage, critical=False)
    return builder.sign(issuer_key, hashes.SHA256())
