import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Failure } from '../failure.ts'

const root = join(import.meta.dirname, '..', '..')
const PROGRAMS = {
  typescript: [process.execPath, join(root, 'clients/typescript/src/cli/main.ts'), 'verify'],
  python: ['python3', join(root, 'clients/python/verify_export.py')],
} as const
/** docs/FORMATS.md, "Verification of an export", the result. */
const CODES: Readonly<Record<string, number>> = {
  verified: 0,
  not_verified: 4,
  in_part: 5,
  not_pinned: 8,
  unusable: 9,
}

/** What a verifier says, as far as the drills ask. */
export interface OfflineVerdict {
  result: string
  entries: number
  first_bad_id: number | null
  unaccounted: number
  /** In words, which are each verifier's own. */
  reason: string | null
}

/** What an outsider has who was never asked to trust us. */
export interface Evidence {
  /** The verifier key, or a file that holds it. */
  key: string
  /** A file of checkpoints that were kept, or null. */
  checkpoints: string | null
}

/**
 * Has both offline verifiers, as the programs that auditors run, judge an export. Throws where they do not agree in
 * every number, or where one does not end with the code of its result.
 */
export async function verifyOffline(file: string, evidence: Evidence): Promise<OfflineVerdict> {
  const [typescript, python] = await Promise.all([
    judge('typescript', file, evidence),
    judge('python', file, evidence),
  ])
  const { reason, ...said } = typescript
  if (JSON.stringify(said) !== JSON.stringify({ ...python, reason: undefined })) {
    const both = `${JSON.stringify(typescript)} and ${JSON.stringify(python)}`
    throw new Error(`the verifiers do not agree about ${file}: ${both}`)
  }
  return typescript
}

/** The verdict of one of them. */
export async function judge(
  program: keyof typeof PROGRAMS,
  file: string,
  { key, checkpoints }: Evidence,
): Promise<OfflineVerdict> {
  const [command, ...args] = PROGRAMS[program]
  const earlier = checkpoints === null ? [] : ['--checkpoint', checkpoints]
  const options = [file, '--json', '--key', key, ...earlier]
  const child = spawn(command, [...args, ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, errors, code] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    exitOf(child, command),
  ])
  if (!out.startsWith('{')) throw new Error(`${program} gave no verdict (${code}): ${errors}`)
  const { result, entries, first_bad_id, reason, unaccounted } = JSON.parse(out)
  if (CODES[result] !== code) throw new Error(`${program} said ${result} and ended with ${code}`)
  return { result, entries, first_bad_id, unaccounted, reason }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString()
}

async function exitOf(child: ChildProcess, command: string): Promise<number | null> {
  const [code] = await once(child, 'exit').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw new Failure(`${command} is not there: install Python 3.9 or later.`)
  })
  return code
}
