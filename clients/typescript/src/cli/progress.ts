import { printable } from './output.ts'

const FIRST_AFTER_MS = 1_000
const TERMINAL_EVERY_MS = 200
const LINE_EVERY_MS = 5_000

/**
 * Progress of long work on standard error: one line that changes on a terminal, elsewhere a line every few
 * seconds, nothing at all for work that is done within a second.
 */
export class Progress {
  readonly #isTerminal = process.stderr.isTTY === true
  #next = performance.now() + FIRST_AFTER_MS
  #shown = false

  /** Call it as often as you like. */
  update(text: () => string): void {
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + (this.#isTerminal ? TERMINAL_EVERY_MS : LINE_EVERY_MS)
    this.#shown = true
    const line = printable(text())
    process.stderr.write(this.#isTerminal ? `\r\u001b[K${line}` : `${line}\n`)
  }

  /** Clears the line, so that what follows starts on its own. */
  done(): void {
    if (this.#shown && this.#isTerminal) process.stderr.write('\r\u001b[K')
  }
}

/** 1234567 as `1.2 MiB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = bytes
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}
