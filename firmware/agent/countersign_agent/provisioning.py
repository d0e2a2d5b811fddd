"""The functions that a provisioner calls over the device's prompt. Each prints one JSON line: its
answer, or {fault, why} in words.

The device makes its private key here and keeps it. Only public values leave, and a signature that
shows that this device, with these settings, holds the key.
"""

import hashlib
import json

from countersign import identity
from countersign.proofs import schnorr
from countersign_agent import __version__
from countersign_agent.config import ConfigError, load_config
from countersign_agent.hardware import device
from countersign_agent.keys import keystore
from countersign_agent.keys.entropy import PROVISIONED_NAME, EntropyError
from countersign_agent.keys.storage import StorageError
from countersign_agent.keys.stored_records import RecordDamaged, StoredRecords
from countersign_agent.report import hex_text

ENTROPY_BYTES = 32


def describe(storage_folder: str) -> None:
    """{version, engine, engine_fault, emulated, device_id, enrolled}. Writes only the empty folder.
    device_id is null without an identity. enrolled: whether some gateway accepted the device."""
    _answer(_describe, storage_folder)


def contribute(storage_folder: str, entropy: bytes) -> None:
    """{taken}: keep the host's entropy (32 bytes), unless the store has some or an identity."""
    _answer(_contribute, storage_folder, entropy)


def introduce(storage_folder: str, next_key_digest: bytes = None) -> None:
    """{device_id, public_key, next_key_digest, owner_has_next_key, is_new}. Makes the identity if
    none ever was.

    next_key_digest: of the key that the owner holds (32 bytes); None to make the next key here.
    """
    _answer(_introduce, storage_folder, next_key_digest)


def prove(storage_folder: str, challenge: bytes, hardware_digest: bytes, path: str) -> None:
    """{public_key, next_key_digest, config_digest, signature}. The signature is over
    identity.provisioning_digest(…): the device with that configuration holds the key."""
    _answer(_prove, storage_folder, challenge, hardware_digest, path)


def _describe(storage_folder):
    records = StoredRecords(device.open_storage(storage_folder))
    born = keystore.stored_identity(records)
    device_id = None if born is None else identity.device_id(*born)
    enrolled = records.load(keystore.ENROLMENT, keystore.ENROLMENT_VERSION, 1) is not None
    return {
        "version": __version__,
        "engine": schnorr.engine(),
        "engine_fault": schnorr.engine_fault(),
        "emulated": device.is_emulated(),
        "device_id": device_id,
        "enrolled": enrolled,
    }


def _contribute(storage_folder, entropy):
    if len(entropy) != ENTROPY_BYTES:
        raise ValueError("entropy is 32 bytes")
    storage = device.open_storage(storage_folder)
    wanted = storage.read(PROVISIONED_NAME) is None and storage.read(keystore.IDENTITY) is None
    if wanted:
        storage.write(PROVISIONED_NAME, entropy)
    return {"taken": wanted}


def _introduce(storage_folder, next_key_digest):
    storage = device.open_storage(storage_folder)
    key_store, _ = device.start(storage, None, next_key_digest)
    own = key_store.identity
    return {
        "device_id": own.device_id,
        "public_key": own.public_key,
        "next_key_digest": own.next_key_digest(),
        "owner_has_next_key": own.owner_has_next_key,
        "is_new": key_store.is_new,
    }


def _prove(storage_folder, challenge, hardware_digest, path):
    config = load_config(path)
    config_digest = _file_digest(path)
    key_store, _ = device.start(device.open_storage(storage_folder), config.device_id)
    own = key_store.identity
    next_key_digest = own.next_key_digest()
    statement = identity.provisioning_digest(
        challenge, own.device_id, next_key_digest, hardware_digest, config_digest
    )
    return {
        "public_key": own.public_key,
        "next_key_digest": next_key_digest,
        "config_digest": config_digest,
        "signature": own.sign(statement),
    }


def _file_digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).digest()


def _answer(function, *arguments):
    try:
        answer = function(*arguments)
    except (
        keystore.KeyStoreDamaged,
        RecordDamaged,
        StorageError,
        EntropyError,
        ConfigError,
        OSError,
        ValueError,
    ) as error:
        answer = {"fault": type(error).__name__, "why": str(error)}
    for name, value in answer.items():
        if isinstance(value, bytes):
            answer[name] = hex_text(value)
    print(json.dumps(answer))
