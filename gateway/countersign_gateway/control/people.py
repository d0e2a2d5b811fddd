"""What acts work with: the site's state, and how people name a device.

Used by the pipeline's thread only.
"""

from __future__ import annotations

import pwd
from collections.abc import Callable
from dataclasses import dataclass

from countersign import identity
from countersign_gateway.governance.admission import Gate, has_ended
from countersign_gateway.governance.lifecycle import Lifecycle
from countersign_gateway.model import Act, Admission, DeviceRecord, EnrolmentWish
from countersign_gateway.registry.interface import Registry

MOST_NAME = 64
CLASSES = {"standard": identity.CLASS_STANDARD, "life-critical": identity.CLASS_LIFE_CRITICAL}
_CLASS_NAMES = {number: name for name, number in CLASSES.items()}
# To look at a device, or to take trust from it, a few digits do.
_LEAST_PREFIX = 6
# To give trust they do not: whoever makes keys until one of them begins alike has 6 digits in
# seconds. 16 digits are 64 bits.
_LEAST_TRUSTED_PREFIX = 16


class Refused(Exception):
    """The act cannot be done. args: a sentence for each reason, for the person who asked."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The process that asked, as the kernel says."""

    uid: int
    pid: int

    @property
    def name(self) -> str:
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return f"uid {self.uid}"


@dataclass(frozen=True, slots=True)
class Known:
    """All that the gateway knows of one device; at least one of the three is there."""

    device_id: bytes
    record: DeviceRecord | None
    admission: Admission | None
    wish: EnrolmentWish | None
    expired: bool = False
    denied: bool = False

    @property
    def name(self) -> str:
        return self.admission.name if self.admission else self.device_id.hex()[:16]

    @property
    def public_key(self) -> bytes:
        """Empty if nothing is known of the device."""
        source = self.record or self.admission or self.wish
        return b"" if source is None else source.public_key

    @property
    def state(self) -> str:
        if self.record is not None:
            return self.record.status.name.lower()
        if self.admission is not None:
            return "expired" if self.expired else "admitted"
        return "denied" if self.denied else "waiting"


class People:
    """wall_s: seconds since the epoch. clock_s: monotonic seconds. provisioners: x-only keys."""

    def __init__(
        self,
        *,
        site: str,
        registry: Registry,
        gate: Gate,
        provisioners: tuple[bytes, ...],
        on_change: Callable[[], None],
        wall_s: Callable[[], float],
        clock_s: Callable[[], float],
    ) -> None:
        self.site = site
        self.registry = registry
        self.gate = gate
        self.lifecycle = Lifecycle(registry.device, registry.set_status)
        self.provisioners = provisioners
        self.changed = on_change
        self.wall_s = wall_s
        self._clock_s = clock_s

    def act(self, caller: Caller, name: str, device_id: bytes | None, detail: str) -> Act:
        return Act(self.wall_s(), self._clock_s(), caller.uid, name, device_id, detail)

    def everyone(self) -> list[Known]:
        """Enrolled devices, then admitted ones, then those that wait, then those denied."""
        records = {record.device_id: record for record in self.registry.devices()}
        admissions = {one.device_id: one for one in self.registry.admissions()}
        denied = {wish.device_id: wish for wish in self.registry.denied_wishes()}
        now_s = self.wall_s()
        expired = {key for key, one in admissions.items() if has_ended(one, now_s)}
        wishes = {wish.device_id: wish for wish in self.gate.waiting()} | denied
        return [
            Known(
                key,
                records.get(key),
                admissions.get(key),
                wishes.get(key),
                expired=key in expired,
                denied=key in denied,
            )
            for key in {**records, **admissions, **wishes}
        ]

    def find(self, text: str) -> Known:
        """The device that a person looks at, or takes trust from. Refused.

        text: its name, its public key, or how its device_id begins.
        """
        everyone = self.everyone()
        digits = text.lower()
        found = [one for one in everyone if one.admission and one.admission.name == text]
        if not found:
            found = [one for one in everyone if one.public_key.hex() == digits]
        if not found and len(text) >= _LEAST_PREFIX:
            found = [one for one in everyone if one.device_id.hex().startswith(digits)]
        if not found:
            raise Refused(f"no device is called {text}, and no device_id begins so")
        if len(found) > 1:
            raise Refused(f"{len(found)} devices fit {text}: write more of the device_id")
        return found[0]

    def find_to_trust(self, text: str) -> Known:
        """As `find`, for an act that gives trust: a device_id then needs more digits. Refused."""
        known = self.find(text)
        named = known.admission is not None and known.admission.name == text
        if not named and len(text) < _LEAST_TRUSTED_PREFIX:
            raise Refused(
                f"{len(text)} digits are too few to trust a device by, since anybody can make a key"
                f" that begins alike: write {_LEAST_TRUSTED_PREFIX} digits or more of the"
                " device_id, from the device's own report, or its public key"
            )
        return known

    @staticmethod
    def enrolled(known: Known) -> tuple[Known, DeviceRecord]:
        """The device with its record. Refused if it has not enrolled."""
        if known.record is None:
            raise Refused(f"{known.name} has not enrolled; it is {known.state}")
        return known, known.record

    def class_number(self, name: str | None) -> int:
        """The number of a class that a person names; the site's if none is named. Refused."""
        if not name:
            return self.gate.device_class
        if name in CLASSES:
            return CLASSES[name]
        raise Refused(f"a class is {' or '.join(CLASSES)}")

    def check_name(self, name: str, device_id: bytes) -> str:
        """The name, if it can be this device's. Refused."""
        if not 1 <= len(name) <= MOST_NAME or not name.isprintable() or name != name.strip():
            raise Refused(f"a name has 1 to {MOST_NAME} printable characters")
        for one in self.registry.admissions():
            if one.name == name and one.device_id != device_id:
                raise Refused(f"another device is called {name}")
        return name


def class_name(number: int) -> str:
    return _CLASS_NAMES.get(number, str(number))
