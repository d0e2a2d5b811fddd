// Run an image on an emulated RP2040 board until it ends or is told to.
//
//   node emulator.mjs '{"modules": FOLDER, "rom": FILE, "image": FILE, "flash": FILE, ...}'
//
// modules: the folder whose node_modules has rp2040js. rom: our boot ROM. image: a UF2 file, or null
// to boot what the flash has. flash: the board's flash, or null for one that is not kept.
// cut_at, cut_bytes, entropy, seed: see Board.
// unique_id: 16 hexadecimal digits; all zero, which is no identifier, if absent.
// bootsel: whether the BOOTSEL button is held from the start.
// timeline: a file to which is appended, in the order in which it happened, one JSON object a line:
//   {erase: BYTES, offset}   {program: HEX, offset}   what was done to the flash
//   {said: HEX, on, ms}      bytes that left the board, on "usb" or "uart1", and its own time then
//
// The board's USB serial port and its UART1 are each served to one client at a time on a free port
// of 127.0.0.1. Each event is printed as one JSON object a line; `event` is one of
//   listening {serial, uart1}   ports                    connected {}  the USB serial port works
//   restarted {}                a reset of its own       power_cut {reason}   exit status 42
//   stopped {reason}            exit status 1
//   bootsel {held}              SIGUSR2 pressed the BOOTSEL button, or let go of it
// SIGTERM ends it.

import { createRequire } from 'node:module';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { Board, PowerCut } from './board.mjs';
import { Flash } from './flash.mjs';
import { UartInput, UsbSerial } from './serial_ends.mjs';

const POWER_CUT_STATUS = 42;
const WATCHDOG_BASE = 0x40058;

const options = JSON.parse(process.argv[2]);
const rp2040js = createRequire(`${options.modules}/`)('rp2040js');
const rom = readFileSync(options.rom);
const flash = new Flash(options.flash);
if (options.image !== null) {
  flash.install(readFileSync(options.image));
}

const timeline = options.timeline ? openSync(options.timeline, 'a') : null;
function note(what) {
  if (timeline !== null) {
    writeSync(timeline, `${JSON.stringify(what)}\n`);
  }
}
flash.onOperation = note;

function report(event, more = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
}

/** Ends the emulator after everything that has left the board has arrived. */
async function end(status, event, reason) {
  flash.close();
  report(event, { reason });
  await Promise.all([serial.close(), uart1.close()]);
  process.exit(status);
}

/** A pipe to at most one client. Without a client, the board's output is kept for the next one. */
class Outlet {
  constructor(name, toBoard) {
    this.name = name;
    this.client = null;
    this.waiting = [];
    this.server = createServer((socket) => {
      this.client?.destroy();
      this.client = socket;
      socket.setNoDelay(true);
      socket.on('data', toBoard);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        this.client = this.client === socket ? null : this.client;
      });
      for (const bytes of this.waiting.splice(0)) {
        socket.write(bytes);
      }
    });
  }

  fromBoard(bytes) {
    note({ said: bytes.toString('hex'), on: this.name, ms: board.drive.elapsedMs });
    if (this.client === null) {
      this.waiting.push(bytes);
    } else {
      this.client.write(bytes);
    }
  }

  close() {
    return new Promise((resolve) => (this.client === null ? resolve() : this.client.end(resolve)));
  }

  listen() {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port));
    });
  }
}

let board;
let isBootselHeld = options.bootsel ?? false;
let usb;
let uartInput;
const serial = new Outlet('usb', (bytes) => {
  usb.write(bytes);
  board.drive.wake();
});
const uart1 = new Outlet('uart1', (bytes) => {
  uartInput.write(bytes);
  board.drive.wake();
});

/** scratch: the watchdog's scratch registers after a reset; null after a power cut. */
function powerOn(scratch = null) {
  board = new Board({
    rp2040js,
    rom,
    flash,
    cutAt: options.cut_at ?? null,
    cutBytes: options.cut_bytes ?? 0,
    hasEntropy: options.entropy ?? true,
    seed: options.seed ?? null,
    uniqueId: Buffer.from(options.unique_id ?? '0000000000000000', 'hex'),
    isBootselHeld,
    on: { stopped: (reason) => end(1, 'stopped', reason) },
  });
  const { chip, drive } = board;
  uartInput = new UartInput(chip, chip.uart[1]);
  chip.uart[1].onByte = (byte) => uart1.fromBoard(Buffer.of(byte));
  const watchdog = chip.peripherals[WATCHDOG_BASE];
  if (scratch !== null) {
    watchdog.scratchData.set(scratch);
  }
  watchdog.onWatchdogTrigger = () => {
    // The emulator's alarm would go on without end; the chip's ends with the chip's reset.
    watchdog.alarm.enable = false;
    // Only these registers (RP2040 datasheet, 4.7.4) and the flash survive a reset, so a new board
    // takes over at the next turn of the loop.
    drive.stop();
    setImmediate(() => {
      report('restarted');
      powerOn(watchdog.scratchData);
    });
  };
  usb = new UsbSerial(rp2040js, chip, {
    onConnected: () => report('connected'),
    onData: (bytes) => serial.fromBoard(bytes),
  });
  drive.start();
}

process.on('uncaughtException', (error) => {
  if (error instanceof PowerCut) {
    end(POWER_CUT_STATUS, 'power_cut', error.message);
  } else {
    end(1, 'stopped', error.stack);
  }
});
process.on('SIGUSR2', () => {
  isBootselHeld = !isBootselHeld;
  board.hold(isBootselHeld);
  report('bootsel', { held: isBootselHeld });
});
process.on('SIGTERM', () => {
  flash.close();
  process.exit(0);
});

report('listening', { serial: await serial.listen(), uart1: await uart1.listen() });
powerOn();
