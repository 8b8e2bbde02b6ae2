import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from '../failure.ts'
import { OPENAPI_FILE } from '../openapi/write.ts'

const root = join(import.meta.dirname, '..', '..')
const requirements = join(import.meta.dirname, 'requirements.txt')

/** What a run came to. */
export interface Outcome {
  /** Requests that were made up and sent. */
  cases: number
  /** False where an answer contradicted the document, or the run broke off. */
  holds: boolean
}

/** The program, installed below `.data/tools` where it is not yet. Throws `Failure`. */
export function schemathesis(): string {
  const version = /^schemathesis==(\S+)$/m.exec(readFileSync(requirements, 'utf8'))?.[1]
  const folder = join(root, '.data', 'tools', `schemathesis-${version}`)
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return program
  mkdirSync(dirname(folder), { recursive: true })
  const install = ['install', '--quiet', '--requirement', requirements]
  const steps: [file: string, args: string[]][] = [
    ['python3', ['-m', 'venv', '--clear', folder]],
    [join(folder, 'bin', 'pip'), install],
  ]
  for (const [file, args] of steps) {
    if (spawnSync(file, args, { stdio: ['ignore', 2, 2] }).status === 0) continue
    throw new Failure(
      'schemathesis was not installed, so nothing was checked: the lines above say why. It needs Python 3.10 or later ' +
        'with venv, and the first time PyPI.',
    )
  }
  return program
}

/**
 * Has it make up requests from the document, send them to `url`, and judge each answer by it.
 *
 * @param examples requests for each operation and way of making them up; some operations have fewer
 */
export async function fuzz(
  program: string,
  url: string,
  options: { examples: number; seed: number; folder: string; stopping: AbortSignal },
): Promise<Outcome> {
  const { examples, seed, folder, stopping } = options
  const report = join(folder, 'report.json')
  const args = [
    // Fetched from the gateway, the operation that it was fetched by would be left out.
    ...['run', fileURLToPath(OPENAPI_FILE), '--url', url],
    ...['--phases', 'examples,coverage,fuzzing', '--max-examples', String(examples)],
    ...['--seed', String(seed), '--continue-on-failure', '--no-color'],
    ...['--report', 'json', '--report-json-path', report],
  ]
  const env = { ...process.env, SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: import.meta.dirname }
  const child = spawn(program, args, {
    cwd: folder,
    env: { ...env, PYTHONDONTWRITEBYTECODE: '1' },
    stdio: ['ignore', 2, 2],
  })
  const end = () => child.kill('SIGTERM')
  stopping.addEventListener('abort', end)
  const [code] = await once(child, 'exit')
  stopping.removeEventListener('abort', end)
  return { cases: code === 0 || code === 1 ? casesOf(report) : 0, holds: code === 0 }
}

function casesOf(report: string): number {
  const { test_cases } = JSON.parse(readFileSync(report, 'utf8')) as {
    test_cases: { generated: number }
  }
  return test_cases.generated
}
