// The flash of an RP2040 board. Its content is kept in a file when the emulator ends.

import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';

const FLASH_START = 0x10000000;
export const FLASH_BYTES = 2 * 1024 * 1024;
const UF2_BLOCK_BYTES = 512;

/** A board's flash in a file. Every operation is in the file before it returns. */
export class Flash {
  /** file: made with erased flash if absent; null keeps the flash in memory only. */
  constructor(file) {
    this.bytes = new Uint8Array(FLASH_BYTES).fill(0xff);
    this.descriptor = null;
    this.erases = 0;
    this.programs = 0;
    /** Called after each complete operation with its description: see emulator.mjs, `timeline`. */
    this.onOperation = () => {};
    if (file === null) {
      return;
    }
    const present = existsSync(file);
    if (present) {
      const kept = readFileSync(file);
      if (kept.length !== FLASH_BYTES) {
        throw new Error(`${file} is not the flash of a board: ${kept.length} bytes`);
      }
      this.bytes.set(kept);
    }
    this.descriptor = openSync(file, present ? 'r+' : 'w+');
    if (!present) {
      this.#keep(0, FLASH_BYTES);
    }
  }

  /** Write an image as a boot loader would; the rest of the flash stays. */
  install(uf2) {
    for (let at = 0; at < uf2.length; at += UF2_BLOCK_BYTES) {
      const address = uf2.readUInt32LE(at + 12) - FLASH_START;
      const count = uf2.readUInt32LE(at + 16);
      this.bytes.set(uf2.subarray(at + 32, at + 32 + count), address);
      this.#keep(address, count);
    }
  }

  /** Sets bits to ones. done: how many bytes are erased before a power cut; all by default. */
  erase(offset, count, done = count) {
    this.erases++;
    this.bytes.fill(0xff, offset, offset + done);
    this.#keep(offset, done);
    if (done === count) {
      this.onOperation({ erase: count, offset });
    }
  }

  /** Clears bits only, as programming does. */
  program(offset, data, done = data.length) {
    this.programs++;
    for (let i = 0; i < done; i++) {
      this.bytes[offset + i] &= data[i];
    }
    this.#keep(offset, done);
    if (done === data.length) {
      this.onOperation({ program: Buffer.from(data).toString('hex'), offset });
    }
  }

  get operations() {
    return this.erases + this.programs;
  }

  close() {
    if (this.descriptor !== null) {
      closeSync(this.descriptor);
      this.descriptor = null;
    }
  }

  #keep(offset, count) {
    if (this.descriptor !== null && count > 0) {
      writeSync(this.descriptor, this.bytes, offset, count, offset);
    }
  }
}
