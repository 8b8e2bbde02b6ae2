import { once } from 'node:events'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { ExportFormat, ExportRange } from '../audit-types.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { Context, Runner } from './context.ts'
import { EXIT, Exit, thereAlready, usage } from './exit.ts'
import { writeWhole } from './output-file.ts'
import { Progress, size } from './progress.ts'

interface ExportOptions {
  out: string
  format: string
  fromId?: string
  toId?: string
  force?: boolean
  witnessed?: boolean
}

const FORMATS: readonly string[] = ['ndjson', 'json', 'csv']

/** `aigov export` */
export function addExport(program: Command, run: Runner): void {
  program
    .command('export')
    .description('Take the log away as a file.')
    .option('--out <file>', 'where to write it, "-" for standard output', '-')
    .option('--format <format>', 'ndjson, json or csv; only ndjson can be verified', 'ndjson')
    .option('--from-id <id>', 'first entry')
    .option('--to-id <id>', 'last entry')
    .option(
      '--witnessed',
      'end at the newest checkpoint that all witnesses of the log have cosigned',
    )
    .option('--force', 'replace the file if it is there')
    .addHelpText(
      'after',
      `
The file gets its name when it is complete, never before. Examples:
  aigov export --out audit.ndjson && aigov verify audit.ndjson
  aigov export --format csv --from-id 1000 --to-id 1999 > part.csv

Exit code 6 if the export breaks off.`,
    )
    .action((options: ExportOptions, command: Command) =>
      run(command, async (context) => {
        const { out, format } = options
        if (!FORMATS.includes(format)) throw usage(`--format must be ${FORMATS.join(', ')}.`)
        const range = {
          from_id: idOf('from-id', options),
          to_id: idOf('to-id', options),
          witnessed: options.witnessed,
        }
        if (out !== '-' && existsSync(out) && !options.force) throw thereAlready(out)
        const watch = new Watch(format as ExportFormat)
        const bytes = watched(context, watch, format as ExportFormat, range)
        if (out === '-') await toStandardOutput(bytes)
        else await writeWhole(out, bytes, { mode: 0o600, force: options.force === true })
        context.note(...watch.summary(out))
      }),
    )
}

function idOf(name: 'from-id' | 'to-id', options: ExportOptions): number | undefined {
  const text = name === 'from-id' ? options.fromId : options.toId
  if (text === undefined) return undefined
  const id = Number(text)
  if (/^[1-9][0-9]*$/.test(text) && Number.isSafeInteger(id)) return id
  throw usage(`--${name} must be a whole number from 1 on.`)
}

/** The bytes of the export. Fails at the end if they are not complete. */
async function* watched(
  context: Context,
  watch: Watch,
  format: ExportFormat,
  range: ExportRange,
): AsyncGenerator<Uint8Array> {
  const progress = new Progress()
  try {
    const options = { signal: context.signal }
    for await (const chunk of context.client().audit.exportBytes(format, range, options)) {
      watch.see(chunk)
      progress.update(() => `${size(watch.bytes)} exported …`)
      yield chunk
    }
    watch.requireEnd()
  } finally {
    progress.done()
  }
}

async function toStandardOutput(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of bytes) {
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
  }
}

const TAIL_BYTES = 65_536

/** Watches an export go by, and knows at its end whether it is whole. */
class Watch {
  bytes = 0
  readonly #format: ExportFormat
  #tail = Buffer.alloc(0)

  constructor(format: ExportFormat) {
    this.#format = format
  }

  see(chunk: Uint8Array): void {
    this.bytes += chunk.length
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES)
  }

  /** CSV has no end of its own; there, that HTTP says so has to do. */
  requireEnd(): void {
    const isWhole =
      this.#format === 'ndjson'
        ? this.#trailer() !== null
        : this.#format === 'csv' || this.#tail.toString().trimEnd().endsWith(']')
    if (!isWhole) {
      throw new Exit(EXIT.unreachable, 'The export broke off: its end is missing. Run it again.')
    }
  }

  summary(out: string): string[] {
    const trailer = this.#format === 'ndjson' ? this.#trailer() : null
    const what = trailer ? `${trailer.count} entries, ` : ''
    const where = out === '-' ? '' : ` in ${out}`
    const hash = trailer ? [`last_entry_hash ${trailer.last_entry_hash}`] : []
    return [`Exported ${what}${size(this.bytes)}${where}.`, ...hash]
  }

  #trailer(): JsonObject | null {
    const text = this.#tail.toString().trimEnd()
    try {
      const value: unknown = JSON.parse(text.slice(text.lastIndexOf('\n') + 1))
      return isObject(value) && value.trailer === true ? value : null
    } catch {
      return null
    }
  }
}
