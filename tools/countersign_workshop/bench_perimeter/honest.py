"""Honest devices at a site under attack: they enrol and check in as agents do, in one process.

Each device has a check-in due at a fixed interval. It makes new evidence after a refusal, connects
again after a loss, and believes what the pinned gateway key signed and nothing else. Some attacks
aim at enrolments and at connections: so every fourth check-in is an enrolment with the same key,
and before every third the device restarts, which leaves a half-open connection behind. A check-in
is lost if no verdict that allows it has come before the next one is due.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field

from coincurve import PublicKeyXOnly

from countersign import messages, reasons
from countersign.carriers import topics
from countersign_workshop.bench_perimeter import accounts
from countersign_workshop.bench_perimeter.cast import Cast
from countersign_workshop.bench_perimeter.client import Client, Refused

ENROL_EVERY = 4
RESTART_EVERY = 3
RETRY_S = 0.5
SOON_S = 0.01
# A verdict that is lost on the way does not come again, so the device makes new evidence.
ANSWER_S = 2.0


@dataclass
class Report:
    """due: check-ins that fell due during the attack. latencies_ms: of those that were allowed,
    from when they were due. recorded_s: when each message that the gateway recorded was answered,
    denials and later answers included. interruptions: connections that the broker ended or refused.
    """

    due: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    recorded_s: list[float] = field(default_factory=list)
    interruptions: int = 0
    refusals: dict[str, int] = field(default_factory=dict)

    @property
    def lost(self) -> int:
        return self.due - len(self.latencies_ms)


def run(cast: Cast) -> Report:
    """Play all honest devices until the last check-in that falls due in the attack is settled."""
    return asyncio.run(_run(cast))


async def _run(cast: Cast) -> Report:
    report = Report()
    share_s = cast.interval_s / len(cast.honest)
    async with asyncio.TaskGroup() as group:
        for number, name in enumerate(cast.honest):
            device = _Device(cast, name, report)
            group.create_task(device.live(cast.starts_s + number * share_s))
    return report


class _Device:
    def __init__(self, cast: Cast, name: str, report: Report) -> None:
        self._cast = cast
        self._report = report
        self._device = cast.device(name)
        self._device.next_counter()  # its enrolment in the record has used 1
        self._account = accounts.of_device(cast, name)
        self._gateway_key = PublicKeyXOnly(cast.gateway_key)
        self._client: Client | None = None
        self._connections: list[Client] = []  # half-open ones of earlier starts included
        self._beacon: bytes | None = None
        self._heard = asyncio.Condition()
        self._answers: dict[bytes, tuple[str, dict[str, object], bytes]] = {}

    async def live(self, first_due_s: float) -> None:
        listening = asyncio.create_task(self._listen())
        try:
            number = 0
            while (due_s := first_due_s + number * self._cast.interval_s) < self._cast.ends_s:
                await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                self._report.due += 1
                ends_s = due_s + self._cast.interval_s
                if number % RESTART_EVERY == RESTART_EVERY - 1:
                    listening = await self._restart(listening)
                try:
                    async with asyncio.timeout_at(_loop_time(ends_s)):
                        await self._check_in(number % ENROL_EVERY == ENROL_EVERY - 1)
                    self._report.latencies_ms.append((time.monotonic() - due_s) * 1000)
                except TimeoutError:
                    pass  # lost: it was counted as due
                number += 1
        finally:
            listening.cancel()
            for client in self._connections:
                client.drop()

    async def _restart(self, listening: asyncio.Task[None]) -> asyncio.Task[None]:
        """As after a power cut: what was known of the session is gone, and so is the beacon."""
        listening.cancel()
        self._client = self._beacon = None
        return asyncio.create_task(self._listen())

    async def _check_in(self, enrol: bool) -> None:
        """Returns once a verdict allows a message of this check-in."""
        while True:
            try:
                if await (self._enrol() if enrol else self._attest()):
                    return
            except Refused:
                pass  # `_listen` connects again
            await asyncio.sleep(RETRY_S if self._client else SOON_S)

    async def _attest(self) -> bool:
        async with self._heard:
            await self._heard.wait_for(lambda: self._beacon is not None)
        answer = await self._ask("evidence", self._device.evidence(self._beacon or b""))
        if answer is not None and answer[1]["reason"] == reasons.STALE_BEACON:
            self._beacon = None
            if self._client is not None:
                await self._client.subscribe(topics.beacon(self._cast.site))
        return answer is not None and answer[1].get("allow") is True

    async def _enrol(self) -> bool:
        nonce = secrets.token_bytes(32)
        challenge = await self._ask("enrol", self._device.request(nonce), nonce)
        if challenge is None or challenge[0] != "EnrolChallenge":
            return False
        answer = await self._ask("enrol", self._device.proof(challenge[2]))
        return answer is not None and answer[1].get("allow") is True

    async def _ask(
        self, kind: str, message: bytes, name: bytes | None = None
    ) -> tuple[str, dict[str, object], bytes] | None:
        """The answer to a message; `name`: the nonce by which it will name it, if not a subject."""
        if self._client is None:
            raise Refused("not connected")
        subject = messages.digest(message)
        names = {subject, name} if name else {subject}
        await self._client.publish(
            topics.uplink(self._cast.site, self._device.device_id, kind), message
        )
        try:
            async with asyncio.timeout(ANSWER_S), self._heard:
                await self._heard.wait_for(lambda: not names.isdisjoint(self._answers))
        except TimeoutError:
            return None
        found = next(self._answers.pop(one) for one in names if one in self._answers)
        if found[0] == "Error" or found[1].get("allow") is False:
            reason = reasons.NAMES[int(str(found[1]["reason"]))]
            self._report.refusals[reason] = self._report.refusals.get(reason, 0) + 1
        return found

    async def _listen(self) -> None:
        """Keep a connection, and take in what the gateway signed."""
        while True:
            try:
                client = await Client.open(self._cast.host, self._cast.port, self._account)
                self._connections.append(client)
                with client.unless_cancelled():
                    site, device_id = self._cast.site, self._device.device_id
                    await client.subscribe(
                        topics.beacon(site), topics.downlink_filter(site, device_id)
                    )
                    self._client = client
                    while True:
                        await self._take(*await client.receive())
            except Refused:
                self._report.interruptions += 1
                self._client = None
                await asyncio.sleep(RETRY_S)

    async def _take(self, _topic: str, payload: bytes) -> None:
        try:
            message = messages.open_message(payload)
        except reasons.Refused:
            return  # an attacker's; the agent passes over it as well
        if message.definition.sender == messages.DEVICE:
            return
        if not self._gateway_key.verify(message.signature, message.signing_digest()):
            return
        fields = message.fields
        async with self._heard:
            if message.type == messages.BEACON:
                self._beacon = fields["beacon"]
            elif fields["device_id"] != self._device.device_id:
                return
            elif message.type == messages.ENROL_CHALLENGE:
                self._answers[fields["request_nonce"]] = (message.name, fields, payload)
            elif message.type != messages.RECEIPT:
                if message.type == messages.ATTESTATION_RESULT:
                    self._report.recorded_s.append(time.monotonic())
                self._answers[fields["subject"]] = (message.name, fields, payload)
            self._heard.notify_all()


def _loop_time(monotonic_s: float) -> float:
    """The event loop's time of a monotonic moment; on Linux both are the same clock."""
    return monotonic_s - time.monotonic() + asyncio.get_running_loop().time()
