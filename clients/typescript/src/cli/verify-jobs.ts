import { readGiven } from '../evidence.ts'
import type { ExportVerdict } from '../export-verdict.ts'
import { ExportVerifier } from '../export-verifier.ts'
import { LineSplitter } from '../lines.ts'
import { MAX_LINE_BYTES, type VerifyExportOptions, verifyExport } from '../verify-export.ts'
import { type BlockAnswer, BlockPool } from './block-pool.ts'

export interface VerifyJobsOptions extends Omit<VerifyExportOptions, 'maxLineBytes'> {
  /** Threads that read; 1 is none beside this one. */
  jobs: number
}

const LF = 0x0a
const BLOCK_BYTES = 1_048_576
/** Up to here threads would take longer to start than to read. */
const ALONE_BYTES = 4 * 1_048_576

/**
 * Verifies an export like `verifyExport`, with the same verdict on everything, on several cores. Threads read blocks
 * in themselves: hashes, links, details. What they found right is put together here in order; what they did not,
 * or what does not fit together, is read again here, line by line. So nobody's verdict but that of `ExportVerifier`
 * counts, and memory holds a few blocks for each thread, however long the export is.
 */
export async function verifyWithJobs(
  chunks: AsyncIterable<Uint8Array>,
  { jobs, ...options }: VerifyJobsOptions,
): Promise<ExportVerdict> {
  if (jobs === 1) return verifyExport(chunks, options)
  const given = readGiven(options)
  const cuts = given.earlier.map(({ size }) => size)
  const joiner = new Joiner(new ExportVerifier(given), options)
  const waiting: Promise<BlockAnswer>[] = []
  let pool: BlockPool | null = null
  let bytes = 0
  try {
    for await (const block of blocksOf(chunks)) {
      bytes += block.length
      if (bytes <= ALONE_BYTES) joiner.readBlock(block)
      else {
        pool ??= new BlockPool(jobs, { cuts, maxLineBytes: MAX_LINE_BYTES })
        waiting.push(pool.read(block))
      }
      if (waiting.length > 2 * jobs) joiner.take(await (waiting.shift() as Promise<BlockAnswer>))
      if (joiner.isOver) return joiner.verdict()
    }
    for (const answer of waiting) {
      joiner.take(await answer)
      if (joiner.isOver) break
    }
    return joiner.verdict()
  } finally {
    await pool?.close()
  }
}

/** Puts together what threads read, block by block. */
class Joiner {
  readonly #verifier: ExportVerifier
  readonly #options: VerifyExportOptions
  readonly #lines = new LineSplitter(MAX_LINE_BYTES)

  constructor(verifier: ExportVerifier, options: VerifyExportOptions) {
    this.#verifier = verifier
    this.#options = options
  }

  get isOver(): boolean {
    return this.#verifier.isOver || this.#lines.isOver
  }

  take({ block, run, length }: BlockAnswer): void {
    const isJoined = run !== null && this.#verifier.join(run)
    this.readBlock(isJoined ? block.subarray(length) : block)
  }

  /** Reads a block, or what is left of one, here. */
  readBlock(block: Uint8Array): void {
    this.#options.signal?.throwIfAborted()
    for (const line of this.#lines.push(block)) {
      this.#verifier.line(line)
      if (this.#verifier.isOver) return
    }
    this.#options.onProgress?.({ entries: this.#verifier.entries })
  }

  verdict(): ExportVerdict {
    if (!this.#verifier.isOver) for (const line of this.#lines.end()) this.#verifier.line(line)
    return this.#verifier.verdict()
  }
}

/**
 * Cuts a stream into blocks of whole lines, about as large as is good for a thread. Only the last may end within
 * a line, or one whose line is longer than any may be, which ends the reading.
 */
async function* blocksOf(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const whole = new Parts()
  const open = new Parts()
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(LF) + 1
    if (end > 0) whole.push(...open.taken(), chunk.subarray(0, end))
    open.push(chunk.subarray(end))
    if (open.size > MAX_LINE_BYTES) break
    if (whole.size >= BLOCK_BYTES) yield joined(whole.taken())
  }
  if (whole.size + open.size > 0) yield joined([...whole.taken(), ...open.taken()])
}

class Parts {
  size = 0
  #parts: Uint8Array[] = []

  push(...parts: Uint8Array[]): void {
    for (const part of parts) this.size += part.length
    this.#parts.push(...parts)
  }

  /** All of them, which are then gone from here. */
  taken(): Uint8Array[] {
    const parts = this.#parts
    this.#parts = []
    this.size = 0
    return parts
  }
}

/** In memory of its own, which can be moved to a thread. */
function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(parts.reduce((size, part) => size + part.length, 0))
  let at = 0
  for (const part of parts) {
    block.set(part, at)
    at += part.length
  }
  return block
}
