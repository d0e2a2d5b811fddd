"""The committed vectors of what only a device computes: its line session and its unlock."""

from countersign_agent.service import unlock_digest
from countersign_agent.transports.serial_transport import session_number
from support.protocol import vector_files


def test_the_session_of_a_line():
    vectors = vector_files.load("statements")
    case = vectors["line_session"]
    number = session_number(bytes.fromhex(vectors["device_id"]), case["boot_count"])
    assert number.to_bytes(4, "big") == bytes.fromhex(case["session"])


def test_the_digest_of_an_unlock():
    vectors = vector_files.load("statements")
    case = vectors["digests"]["ServiceUnlock"]
    digest = unlock_digest(bytes.fromhex(case["challenge"]), bytes.fromhex(vectors["device_id"]))
    assert digest == bytes.fromhex(case["digest"])
