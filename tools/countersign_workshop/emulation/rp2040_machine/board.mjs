// One RP2040 board: the emulator with our boot ROM, flash and entropy, a register that counts
// cycles, and corrections where the emulator differs from the chip.

import { randomBytes } from 'node:crypto';
import { Drive } from './drive.mjs';
import { FLASH_BYTES } from './flash.mjs';
import { Rewind } from './rewind.mjs';
import { correctUart } from './serial_ends.mjs';

// These are the breakpoints of bootrom/head.S.
const TRAP_FLASH_ERASE = 0xe1;
const TRAP_FLASH_PROGRAM = 0xe2;
const TRAP_BOOT_LOADER = 0xe3;
const TRAP_MISSING = 0xe4;
const TRAP_FAULT = 0xe5;

const SYSINFO_BASE = 0x40000;
const SYSINFO_PLATFORM = 0x04;
const FLASH_CONTROLLER_BASE = 0x18000;
const FLASH_CONTROLLER_DATA = 0x60;
const FLASH_READ_UNIQUE_ID = 0x4b;
const FLASH_UNIQUE_ID_DUMMIES = 4;
const QSPI_SELECT = 1; // among the pins of the flash (RP2040 datasheet, 2.19.2)
const PAD_INPUT_ENABLE = 1 << 6;
const ROSC_BASE = 0x40060;
const ROSC_RANDOMBIT = 0x1c;
// The chip has nothing at this address; see Counters.
const COUNTERS_BASE = 0x40070;
// Nor at this one; see rewind.mjs.
const REWIND_BASE = 0x40074;

/**
 * Makes the chip say that it is emulated: of the platform's two bits, "FPGA" and "chip", neither is
 * set. The agent knows by this that its entropy was injected (countersign_agent/hardware/device.py).
 */
function declareEmulated(chip) {
  const sysinfo = chip.peripherals[SYSINFO_BASE];
  const read = sysinfo.readUint32.bind(sysinfo);
  sysinfo.readUint32 = (offset) => (offset === SYSINFO_PLATFORM ? 0 : read(offset));
}

/**
 * Gives the flash chip a number, which is the board's unique identifier. The emulator's flash
 * controller has no chip that answers commands, so every board would have number zero.
 */
function numberFlash(controller, number) {
  const answers = [];
  let following = 0;
  const write = controller.writeUint32.bind(controller);
  controller.writeUint32 = (offset, value) => {
    if (offset === FLASH_CONTROLLER_DATA && following > 0) {
      answers.push(number[number.length - following] ?? 0);
      following--;
    } else if (offset === FLASH_CONTROLLER_DATA && value === FLASH_READ_UNIQUE_ID) {
      answers.push(0);
      following = FLASH_UNIQUE_ID_DUMMIES + number.length;
    } else {
      write(offset, value);
    }
  };
  const read = controller.readUint32.bind(controller);
  controller.readUint32 = (offset) =>
    offset === FLASH_CONTROLLER_DATA && answers.length > 0 ? answers.shift() : read(offset);
}

/**
 * The ring oscillator, of which only the random bit is used. The emulator lacks one and reads as
 * all ones. Here the bit is the workstation's entropy, or a seeded sequence for a repeatable run.
 * Without entropy it reads as in the emulator.
 */
class RingOscillator {
  constructor(hasEntropy, seed) {
    this.hasEntropy = hasEntropy;
    this.state = seed;
    this.pool = [];
  }

  readUint32(offset) {
    if (offset !== ROSC_RANDOMBIT) {
      return 0;
    }
    if (!this.hasEntropy) {
      return 1;
    }
    if (this.state !== null) {
      // xorshift32 is good enough, because no secret may come from a seeded board.
      this.state ^= this.state << 13;
      this.state ^= this.state >>> 17;
      this.state ^= this.state << 5;
      return (this.state >>> 16) & 1;
    }
    if (this.pool.length === 0) {
      this.pool = [...randomBytes(1024)].flatMap((byte) =>
        Array.from({ length: 8 }, (_, bit) => (byte >> bit) & 1),
      );
    }
    return this.pool.pop();
  }

  writeUint32Atomic() {}
}

/**
 * Registers for measuring, at an address where the chip has nothing (reading it there faults):
 * +0 cycles executed, low word; +4 high word as it was when the low one was read; +8 flash erases;
 * +12 flash programs. The cycles of a sleeping processor are not executed and not counted.
 */
class Counters {
  constructor(core, flash) {
    this.core = core;
    this.flash = flash;
    this.high = 0;
  }

  readUint32(offset) {
    switch (offset) {
      case 0:
        this.high = Math.floor(this.core.cycles / 2 ** 32);
        return this.core.cycles >>> 0;
      case 4:
        return this.high;
      case 8:
        return this.flash.erases;
      case 12:
        return this.flash.programs;
    }
    return 0xffffffff;
  }

  writeUint32Atomic() {}
}

/** Thrown out of the emulator when the power is cut in the middle of a flash operation. */
export class PowerCut extends Error {}

export class Board {
  /**
   * rp2040js: the emulator's module. rom: the boot ROM's bytes. flash: a Flash.
   * cutAt: the flash operation (the first is 0) in which the power is cut, after cutBytes of its
   * bytes; null for never. hasEntropy: false for a random bit that never changes.
   * seed: of the random bit, null for the workstation's entropy.
   * uniqueId: the flash chip's number, 8 bytes. isBootselHeld: whether the button is held.
   * on: {stopped(reason)}: called when the board cannot continue.
   */
  constructor(parts) {
    const { rp2040js, rom, flash, hasEntropy, seed, uniqueId } = parts;
    this.flash = flash;
    this.cutAt = parts.cutAt;
    this.cutBytes = parts.cutBytes;
    this.on = parts.on;
    this.restarting = false;

    const simulator = new rp2040js.Simulator();
    this.drive = new Drive(simulator);
    const chip = simulator.rp2040;
    this.chip = chip;
    chip.logger = new rp2040js.ConsoleLogger(rp2040js.LogLevel.Error);
    const words = new Uint32Array(4096);
    new Uint8Array(words.buffer).set(rom);
    chip.loadBootrom(words);
    chip.flash.set(flash.bytes);
    chip.core.SP = words[0];
    chip.core.PC = (words[1] & ~1) >>> 0;

    declareEmulated(chip);
    numberFlash(chip.peripherals[FLASH_CONTROLLER_BASE], uniqueId);
    chip.peripherals[ROSC_BASE] = new RingOscillator(hasEntropy, seed);
    chip.peripherals[COUNTERS_BASE] = new Counters(chip.core, flash);
    chip.peripherals[REWIND_BASE] = new Rewind(chip);
    chip.onBreak = (number) => this.#trapped(number);
    for (const uart of chip.uart) {
      correctUart(uart);
    }
    chip.qspi[QSPI_SELECT].padValue |= PAD_INPUT_ENABLE; // as after the chip's reset
    this.hold(parts.isBootselHeld);
  }

  /** Press the BOOTSEL button, or let go of it. It pulls the flash's select line to ground. */
  hold(isHeld) {
    this.chip.qspi[QSPI_SELECT].setInputValue(!isHeld);
  }

  #trapped(number) {
    const { registers } = this.chip.core;
    const [first, second, third] = [registers[0] >>> 0, registers[1] >>> 0, registers[2] >>> 0];
    if (number === TRAP_FLASH_ERASE) {
      this.#operate(first, second, (done) => this.flash.erase(first, second, done));
    } else if (number === TRAP_FLASH_PROGRAM) {
      const data = Uint8Array.from({ length: third }, (_, i) => this.chip.readUint8(second + i));
      this.#operate(first, third, (done) => this.flash.program(first, data, done));
    } else {
      const names = {
        [TRAP_BOOT_LOADER]: 'entered the USB boot loader',
        [TRAP_MISSING]: 'called a boot ROM function that ours does not have',
        [TRAP_FAULT]: 'faulted in the boot ROM',
      };
      const what = names[number] ?? `stopped at breakpoint ${number} (0 is a hard fault)`;
      this.drive.stop();
      this.on.stopped(`${what}; lr ${(this.chip.core.LR >>> 0).toString(16)}`);
    }
  }

  #operate(offset, count, operation) {
    if (offset + count > FLASH_BYTES) {
      throw new Error(`a flash operation beyond the flash, at ${offset.toString(16)}`);
    }
    if (this.flash.operations === this.cutAt) {
      operation(Math.min(this.cutBytes, count));
      throw new PowerCut(`at flash operation ${this.cutAt}, after ${this.cutBytes} bytes of it`);
    }
    operation(count);
    this.chip.flash.set(this.flash.bytes.subarray(offset, offset + count), offset);
  }
}
