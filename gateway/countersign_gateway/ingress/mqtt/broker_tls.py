"""TLS towards a broker that runs elsewhere."""

from __future__ import annotations

import ssl

from countersign_gateway.config import MqttConfig
from countersign_gateway.model import OperatorError


class TlsUnusable(OperatorError):
    """A certificate or its key cannot be used. The text names the file."""


def client_context(config: MqttConfig) -> ssl.SSLContext | None:
    """The TLS context for the configured broker; None for one without TLS.

    The broker's certificate must name its host and be signed by the configured authority, or by one
    of the system's. TlsUnusable if a file cannot be used, or others can read the key.
    """
    if config.broker is None or not config.broker.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=config.tls_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise TlsUnusable(f"{config.tls_ca_file} is no authority: {error.strerror}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    certificate, key = config.client_certificate_file, config.client_key_file
    if certificate is not None and key is not None:
        try:
            if key.stat().st_mode & 0o077:
                raise TlsUnusable(f"{key} can be read by others: run chmod 600 {key}")
            # Without a password of our own OpenSSL would ask for one on the terminal.
            context.load_cert_chain(certificate, key, password="")
        except (OSError, ssl.SSLError) as error:
            raise TlsUnusable(
                f"{certificate} and {key} are no certificate and key: {error.strerror}"
            ) from None
    return context
