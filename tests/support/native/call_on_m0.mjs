// Calls functions of an image on the RP2040's core, and counts their cycles.
//
//     node call_on_m0.mjs RP2040JS_FOLDER IMAGE < calls > results
//
// IMAGE is loaded at the start of RAM. Each line of the input is one call, in JSON:
//   {"at": address, "in": [hex bytes or integer, ...], "out": [index, ...], "trace": boolean}
// A text argument is copied to RAM, and its address is passed. Each line of the output:
//   {"cycles": n, "result": r0, "out": [hex bytes, ...], "stack": bytes, "remains": [hex word, ...]}
// stack: how deep the call went. remains: the words that it wrote and left below its stack frame.
// If a trace is wanted, "trace" is one hash over every instruction's address and every address that
// was read or written, in order.

import fs from 'node:fs';
import readline from 'node:readline';
import { createRequire } from 'node:module';

const [, , library, image] = process.argv;
const { RP2040 } = createRequire(import.meta.url)(library);
const RAM = 0x20000000;
const ARGUMENTS = 0x20020000;
const STACK_TOP = 0x20040000;
const STACK_BYTES = 0x4000;
const UNTOUCHED = 0xa5a5a5a5;
const RETURN = 0x2001f000;
const BKPT = 0xbe00;
const CYCLE_LIMIT = 2 ** 28;

const chip = new RP2040();
const core = chip.core;
chip.sram.set(fs.readFileSync(image), 0);
chip.sram[RETURN - RAM] = BKPT & 0xff;
chip.sram[RETURN - RAM + 1] = BKPT >> 8;
let stopped = false;
chip.onBreak = () => {
  stopped = true;
};

let trace = 0;
function note(address) {
  trace = (Math.imul(trace ^ address, 0x01000193) + (trace >>> 15)) | 0;
}
for (const access of ['readUint32', 'readUint16', 'readUint8', 'writeUint32', 'writeUint16', 'writeUint8']) {
  const original = chip[access].bind(chip);
  chip[access] = (address, value) => {
    note(address);
    return original(address, value);
  };
}

function call({ at, in: values, out = [], trace: traced = false }) {
  let place = ARGUMENTS;
  const addresses = values.map((value) => {
    if (typeof value === 'number') return value >>> 0;
    const bytes = Buffer.from(value, 'hex');
    const address = place;
    chip.sram.set(bytes, address - RAM);
    place += (bytes.length + 19) & ~15;
    return address;
  });
  const stack = new Uint32Array(chip.sram.buffer, chip.sram.byteOffset + STACK_TOP - RAM - STACK_BYTES, STACK_BYTES / 4);
  stack.fill(UNTOUCHED);
  // The fifth argument and later ones are on the stack.
  let top = STACK_TOP - 64;
  addresses.slice(4).forEach((address, i) => chip.writeUint32(top + 4 * i, address));
  for (let i = 0; i < 13; i++) core.registers[i] = i < 4 ? addresses[i] ?? 0 : 0;
  core.SP = top;
  core.LR = RETURN | 1;
  core.PC = at & ~1;
  stopped = false;
  const before = core.cycles;
  trace = 0;
  while (!stopped) {
    if (traced) note(core.PC);
    core.executeInstruction();
    if (core.cycles - before > CYCLE_LIMIT) throw new Error('no end');
  }
  const used = stack.findIndex((word) => word !== UNTOUCHED);
  const below = Array.from(stack.subarray(used < 0 ? stack.length : used, stack.length - 16));
  return {
    cycles: core.cycles - before - 1,
    result: core.registers[0] >>> 0,
    out: out.map((i) => Buffer.from(chip.sram.subarray(addresses[i] - RAM, addresses[i] - RAM + values[i].length / 2)).toString('hex')),
    trace: traced ? trace >>> 0 : undefined,
    stack: below.length * 4,
    remains: below.filter((word) => word !== UNTOUCHED && word !== 0).map((word) => word.toString(16)),
  };
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(call(JSON.parse(line))) + '\n');
}
