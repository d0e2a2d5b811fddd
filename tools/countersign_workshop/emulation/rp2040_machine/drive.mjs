// Makes an emulated board run: as fast as this machine can while the board works, and in real time
// while it waits. The emulator's own loop skips the waiting. A board that waits ten seconds for an
// answer would then give up before the other side has read the question.

const NANOS_PER_CYCLE = 1e9 / 125e6; // the emulator's clock, whatever the image sets
const INSTRUCTIONS_AT_ONCE = 20_000;
const WORK_AT_ONCE_MS = 8;
const WAIT_AT_MOST_MS = 20;

export class Drive {
  /** simulator: rp2040js's; its clock and its chip are used. */
  constructor(simulator) {
    this.clock = simulator.clock;
    this.core = simulator.rp2040.core;
    this.running = false;
    this.waitingSince = null;
    this.timer = null;
  }

  /** Milliseconds of the board's own time since it was switched on. */
  get elapsedMs() {
    return this.clock.nanos / 1e6;
  }

  start() {
    this.running = true;
    setImmediate(() => this.#work());
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** Ends the board's waiting, because something has come from outside. */
  wake() {
    if (this.waitingSince !== null) {
      clearTimeout(this.timer);
      this.#waited();
    }
  }

  #work() {
    const end = performance.now() + WORK_AT_ONCE_MS;
    while (this.running && !this.core.waiting && performance.now() < end) {
      for (let i = 0; i < INSTRUCTIONS_AT_ONCE && this.running && !this.core.waiting; i++) {
        this.clock.tick(this.core.executeInstruction() * NANOS_PER_CYCLE);
      }
    }
    if (!this.running) {
      return;
    }
    if (this.core.waiting) {
      this.waitingSince = performance.now();
      const due = this.clock.nextAlarm === null ? WAIT_AT_MOST_MS : this.#alarmInMs();
      this.timer = setTimeout(() => this.#waited(), Math.min(due, WAIT_AT_MOST_MS));
    } else {
      setImmediate(() => this.#work());
    }
  }

  #waited() {
    const waited = performance.now() - this.waitingSince;
    this.waitingSince = null;
    // A timer of this machine may be late, but the board's own timers never are.
    this.clock.tick(this.core.waiting ? Math.min(waited * 1e6, this.#nextNanos()) : 0);
    this.#work();
  }

  #alarmInMs() {
    return this.clock.nanosToNextAlarm / 1e6;
  }

  #nextNanos() {
    return this.clock.nextAlarm === null ? Infinity : Math.max(this.clock.nanosToNextAlarm, 1);
  }
}
