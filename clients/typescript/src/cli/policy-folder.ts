import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { usage } from './exit.ts'
import { readTextFile } from './input.ts'
import {
  type LoadProblem,
  loadPolicySet,
  type PolicyFile,
  type PolicySet,
} from './policy-engine.ts'
import { POLICY_EXIT } from './policy-exit.ts'
import type { Finding } from './policy-finding.ts'
import type { PolicyReport } from './policy-report.ts'

/** The loader takes files of up to 256 KiB, and says so of larger ones; what is beyond this is not even read. */
const MAX_BYTES = 1_048_576

/** The files of a policy folder that mcp-policy would read, by their names. Fails with exit code 2. */
export async function readPolicyFolder(folder: string): Promise<PolicyFile[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: Error) => {
    const code = 'code' in error ? error.code : error.message
    throw usage(`The policy folder ${folder} cannot be read (${code}): name the folder.`)
  })
  const names = entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name)
  const files: PolicyFile[] = []
  for (const name of names.filter((it) => /\.ya?ml$/i.test(it)).sort()) {
    files.push({ name, content: await readPolicy(join(folder, name)) })
  }
  return files
}

async function readPolicy(path: string): Promise<string> {
  const about = await stat(path).catch(() => null)
  // Reading a pipe would wait for somebody to write to it, and no signal ends that; a device may have no end.
  if (about && !about.isFile()) throw usage(`${path} cannot be read: it is no file.`)
  if (about && about.size > MAX_BYTES) {
    throw usage(`${path} is larger than ${MAX_BYTES} bytes: split it into layers.`)
  }
  return readTextFile(path)
}

/** What a folder holds: a set with its files, or the report of what is wrong with it. */
export type Loaded =
  | { set: PolicySet; files: PolicyFile[]; warnings: LoadProblem[] }
  | { report: PolicyReport }

/** Loads the set of a folder. Fails with exit code 2 where it cannot be read. */
export async function loadFolder(folder: string): Promise<Loaded> {
  const files = await readPolicyFolder(folder)
  const loaded = loadPolicySet(files)
  if (!loaded.ok) return { report: invalidReport(folder, loaded.errors) }
  return { set: loaded.set, files, warnings: loaded.warnings }
}

/** The report of policies that are not valid. */
export function invalidReport(folder: string, errors: readonly LoadProblem[]): PolicyReport {
  return {
    code: POLICY_EXIT.invalid,
    result: { ok: false, errors },
    lines: [],
    notes: [
      ...errors.map((problem) => problemLine(folder, problem)),
      `INVALID  ${errors.length} ${errors.length === 1 ? 'error' : 'errors'} in ${folder}`,
    ],
    findings: errors.map((problem) => findingOf(folder, problem, 'error')),
  }
}

/** `file:line:column CODE message`, with the path of the file from where the person is. */
export function problemLine(folder: string, problem: LoadProblem): string {
  const { line, column, code, message } = problem
  return `${join(folder, problem.file)}:${line}:${column} ${code} ${message}`
}

export function findingOf(folder: string, problem: LoadProblem, level: Finding['level']): Finding {
  const { file, line, column, code, message } = problem
  return { level, code, message, place: { file: join(folder, file), line, column } }
}

/** The place that `file:line` of an explanation means. */
export function placeOf(folder: string, at: string): Finding['place'] {
  const colon = at.lastIndexOf(':')
  return { file: join(folder, at.slice(0, colon)), line: Number(at.slice(colon + 1)) }
}
