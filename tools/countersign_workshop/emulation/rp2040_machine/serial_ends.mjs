// The other ends of an RP2040 board's serial lines, UART and USB, and a correction for its UARTs.

const UART_USUAL_SPEED = 115_200; // until the image has set one
const BITS_PER_CHARACTER = 10;
const UART_DATA = 0x00;
const UART_TX_INTERRUPT = 1 << 5;

/**
 * The emulator raises the transmitter's interrupt on every access to the UART, so a driver that
 * waits for it never leaves its handler. The chip raises the interrupt when a character has been
 * sent.
 */
export function correctUart(uart) {
  uart.checkInterrupts = function () {
    this.rp2040.setInterrupt(this.irq, (this.interruptStatus & this.interruptMask) !== 0);
  };
  const write = uart.writeUint32.bind(uart);
  uart.writeUint32 = function (offset, value) {
    write(offset, value);
    if (offset === UART_DATA) {
      this.interruptStatus |= UART_TX_INTERRUPT;
      this.checkInterrupts();
    }
  };
}

/** The other end of a UART's receiving wire. Bytes arrive at the UART's own speed, not at once. */
export class UartInput {
  constructor(chip, uart) {
    this.uart = uart;
    this.queue = [];
    this.isUnderWay = false;
    this.alarm = chip.clock.createAlarm(() => this.#arrived());
  }

  write(bytes) {
    for (const byte of bytes) {
      this.queue.push(byte);
    }
    this.#begin();
  }

  #begin() {
    if (!this.isUnderWay && this.queue.length > 0) {
      this.isUnderWay = true;
      const { baudRate } = this.uart;
      const bitsPerSecond = baudRate > 0 && baudRate < 1e8 ? baudRate : UART_USUAL_SPEED;
      this.alarm.schedule((BITS_PER_CHARACTER * 1e9) / bitsPerSecond);
    }
  }

  #arrived() {
    this.uart.feedByte(this.queue.shift());
    this.isUnderWay = false;
    this.#begin();
  }
}

/**
 * The host's end of the board's USB serial port.
 *
 * The emulator answers each of the board's requests for data at once, with an empty packet if there
 * is none. The board then asks again at once, which takes two thirds of its time. A real host
 * answers only when it has data.
 */
export class UsbSerial {
  /** onConnected: called once the board is set up. onData: called with bytes from the board. */
  constructor(rp2040js, chip, { onConnected, onData }) {
    this.controller = chip.usbCtrl;
    this.queue = [];
    this.asked = null;
    this.port = new rp2040js.USBCDC(chip.usbCtrl);
    this.port.onDeviceConnected = onConnected;
    this.port.onSerialData = (bytes) => onData(Buffer.from(bytes));
    this.controller.onEndpointRead = (endpoint, bytes) => {
      if (endpoint === this.port.outEndpoint) {
        this.asked = bytes;
        this.#answer();
      }
    };
  }

  write(bytes) {
    this.queue.push(...bytes);
    this.#answer();
  }

  #answer() {
    if (this.asked !== null && this.queue.length > 0) {
      const bytes = Uint8Array.from(this.queue.splice(0, this.asked));
      this.asked = null;
      this.controller.endpointReadDone(this.port.outEndpoint, bytes);
    }
  }
}
