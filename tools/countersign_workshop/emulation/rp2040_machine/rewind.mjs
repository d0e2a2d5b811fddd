// Lets a program on the emulated board repeat its work from the same state. It takes a snapshot of
// all RAM and of the processor's registers, and restores it. One area of RAM is not restored, so
// that the program can count its turns and keep results.
//
// Peripherals, the flash and the count of cycles are not restored either. Between the snapshot and
// the return the program must not use the first two, and must keep interrupts off.

const AREA = 0x0;
const AREA_BYTES = 0x4;
const TAKE = 0x8;
const GO_BACK = 0xc;

const RAM_START = 0x20000000;
const FLAGS = ['N', 'Z', 'C', 'V', 'PM'];

/**
 * Registers, at an address where the chip has nothing: +0 start of the area that is not restored,
 * +4 its size in bytes. Writing +8 takes the snapshot, writing +12 returns to just after that
 * write.
 */
export class Rewind {
  constructor(chip) {
    this.chip = chip;
    this.area = RAM_START;
    this.bytes = 0;
    this.taken = null;
  }

  readUint32() {
    return 0xffffffff;
  }

  writeUint32Atomic(offset, value) {
    switch (offset) {
      case AREA:
        this.area = value;
        break;
      case AREA_BYTES:
        this.bytes = value;
        break;
      case TAKE:
        this.#take();
        break;
      case GO_BACK:
        this.#goBack();
        break;
    }
  }

  #take() {
    const { core, sram } = this.chip;
    const flags = Object.fromEntries(FLAGS.map((name) => [name, core[name]]));
    this.taken = { sram: sram.slice(), registers: core.registers.slice(), flags };
  }

  #goBack() {
    if (this.taken === null) {
      throw new Error('there is no snapshot to go back to');
    }
    const { core, sram } = this.chip;
    const at = this.area - RAM_START;
    const kept = sram.slice(at, at + this.bytes);
    sram.set(this.taken.sram);
    sram.set(kept, at);
    core.registers.set(this.taken.registers);
    Object.assign(core, this.taken.flags);
  }
}
