/**
 * Characters that a terminal acts on, or that make text read as something else: C0 and C1 controls,
 * delete, line and paragraph separators, marks that turn the direction of writing, and what has no width.
 */
const ACTIVE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]/g

/** A text from elsewhere as it may be shown on a terminal: what would act on it is written out. */
export function printable(text: string): string {
  return text.replaceAll(ACTIVE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** JSON on one line, which a terminal may show: everything beyond ASCII letters that acts is escaped. */
export function jsonLine(value: unknown): string {
  return printable(JSON.stringify(value))
}

/** Writes lines for people; each is escaped as a whole, so it may hold what a server said. */
export function tell(stream: NodeJS.WritableStream, ...lines: string[]): void {
  stream.write(lines.map((line) => `${printable(line)}\n`).join(''))
}
