"""The CPU time and memory that running processes have used, from /proc."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds of CPU time, user and system, of all threads. machine_s: of everything that ran."""

    gateway_s: float
    broker_s: float
    driver_s: float
    machine_s: float
    at_s: float

    def since(self, earlier: Usage) -> Usage:
        """The difference of both. Its `at_s` is the wall time that passed."""
        return Usage(
            self.gateway_s - earlier.gateway_s,
            self.broker_s - earlier.broker_s,
            self.driver_s - earlier.driver_s,
            self.machine_s - earlier.machine_s,
            self.at_s - earlier.at_s,
        )

    @property
    def others_s(self) -> float:
        """The CPU time of programs that have no part in the measurement, and of the kernel."""
        return max(0.0, self.machine_s - self.gateway_s - self.broker_s - self.driver_s)


def family(pid: int) -> list[int]:
    """The process and its present children. A gateway under load has a worker process."""
    children = (task / "children" for task in Path(f"/proc/{pid}/task").iterdir())
    return [pid, *(int(child) for path in children for child in path.read_text().split())]


def usage(gateway_pid: int, broker_pid: int) -> Usage:
    """The usage until now. The calling process is the driver."""
    return Usage(
        sum(cpu_s(pid) for pid in family(gateway_pid)),
        cpu_s(broker_pid),
        time.process_time(),
        _machine_s(),
        time.monotonic(),
    )


def cpu_s(pid: int) -> float:
    """The CPU time of one process, in steps of a clock tick (10 ms)."""
    # The program's name stands in parentheses and may itself hold any characters.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def rss_mb(pid: int, peak: bool = False) -> float:
    """The resident memory of one process in MB (10⁶ bytes): now, or at its peak."""
    wanted = "VmHWM:" if peak else "VmRSS:"
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(wanted):
            return int(line.split()[1]) * 1024 / 1e6
    raise ProcessLookupError(f"process {pid} has no memory")


def _machine_s() -> float:
    user, nice, system, _idle, _iowait, irq, softirq = (
        int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:8]
    )
    return (user + nice + system + irq + softirq) / _TICKS_PER_S
