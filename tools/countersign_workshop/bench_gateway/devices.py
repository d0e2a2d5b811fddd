"""Thousands of devices: their keys, their enrolments, and all their evidence, made beforehand.

The measurement is of the gateway, so the devices' work is done before the clock starts. Each piece
of evidence is sealed and stands in its MQTT packet, ready for a socket. The keys are random and
stay in memory.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import accumulate

from countersign import messages, reasons
from countersign.carriers import topics
from countersign_gateway.model import Decision, Enrolment, Freshness
from countersign_gateway.statements import verdict
from countersign_gateway.statements.keys import GROUP_ORDER, SigningKey
from countersign_workshop.bench_gateway import mqtt_wire
from countersign_workshop.simulation.simulated_device import SimulatedDevice

# An enrolment uses a device's first counter, and evidence uses the counters after it.
ENROLMENT_COUNTER = 1
OWNER = b"\x0a" * 20


@dataclass(frozen=True)
class Packets:
    """One connection's PUBLISH packets in the order of sending, end to end in one buffer.

    data[ends[i - 1]:ends[i]] is packet i. subjects: the SHA-256 of each packet's message.
    A device always uses the same connection, so that its counters arrive in order.
    """

    data: bytes
    ends: list[int]
    subjects: list[bytes]

    def __len__(self) -> int:
        return len(self.ends)


def make_secrets(count: int) -> list[bytes]:
    """`count` secret keys of 32 bytes each."""
    made: list[bytes] = []
    while len(made) < count:
        secret = secrets.token_bytes(32)
        if 0 < int.from_bytes(secret, "big") < GROUP_ORDER:
            made.append(secret)
    return made


def enrolments(device_secrets: Sequence[bytes], gateway: SigningKey) -> list[Decision]:
    """What the registry would hold after each device had enrolled, with real proofs and answers."""
    return [
        enrolment(SimulatedDevice(secret, gateway.gateway_id), gateway) for secret in device_secrets
    ]


def enrolment(device: SimulatedDevice, gateway: SigningKey) -> Decision:
    """The same for one device. It uses ENROLMENT_COUNTER, whatever the device has counted."""
    proof = device.proof_of(os.urandom(32), counter=ENROLMENT_COUNTER)
    subject = messages.digest(proof)
    result = verdict.seal(
        gateway,
        device_id=device.device_id,
        subject=subject,
        allow=True,
        reason=reasons.ACCEPTED,
        freshness=Freshness(messages.MODE_DEGRADED, None),
        policy_version=1,
        counter=ENROLMENT_COUNTER,
    )
    return Decision(
        device.device_id,
        ENROLMENT_COUNTER,
        proof,
        result,
        messages.commitment(subject, messages.digest(result)),
        Enrolment(device.record(OWNER, ENROLMENT_COUNTER), None),
    )


def presign(
    device_secrets: Sequence[bytes],
    rounds: int,
    connections: int,
    site: str,
    gateway_id: bytes,
    beacon: bytes,
) -> list[Packets]:
    """`rounds` pieces of evidence of every device, in one stream of packets for each connection.

    A stream takes all its devices round by round, so that a device's messages are far apart.
    """
    slices = [list(device_secrets[n::connections]) for n in range(connections)]
    # Each worker is a fresh interpreter: this process has threads, and forking those is not safe.
    spawning = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawning) as pool:
        streams = [pool.submit(_stream, part, rounds, site, gateway_id, beacon) for part in slices]
        return [stream.result() for stream in streams]


def _stream(
    device_secrets: Sequence[bytes], rounds: int, site: str, gateway_id: bytes, beacon: bytes
) -> Packets:
    devices = [SimulatedDevice(secret, gateway_id) for secret in device_secrets]
    packets: list[bytes] = []
    subjects: list[bytes] = []
    for number in range(rounds):
        for device in devices:
            message = device.evidence(
                beacon,
                uptime_s=60 * (number + 1),
                counter=ENROLMENT_COUNTER + 1 + number,
                readings={"temperature_mk": 294150 + number, "door": 0},
            )
            packet_id = len(packets) % mqtt_wire.MAX_PACKET_ID + 1
            topic = topics.uplink(site, device.device_id, "evidence")
            packets.append(mqtt_wire.publish_qos1(topic, packet_id, message))
            subjects.append(hashlib.sha256(message).digest())
    return Packets(b"".join(packets), list(accumulate(map(len, packets))), subjects)
