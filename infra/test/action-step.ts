// Runs the step of clients/action as a runner does: inputs and job by environment, answers by files.
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseYaml } from './yaml.ts'

const root = join(import.meta.dirname, '..', '..')
export const actionFolder = join(root, 'clients', 'action')

interface Manifest {
  inputs: Record<string, { default?: string }>
  outputs: Record<string, unknown>
  runs: { using: string; main: string }
}

export const manifest = parseYaml(
  readFileSync(join(actionFolder, 'action.yml'), 'utf8'),
) as Manifest

/** A workflow command as the runner reads it, escapes undone. */
export interface Command {
  name: string
  title: string | undefined
  message: string
}

export interface StepResult {
  code: number
  stdout: string
  stderr: string
  /** Every line of standard output that the runner takes for a command. */
  commands: Command[]
  outputs: Record<string, string>
  /** Markdown. */
  summary: string
  /** What is in the file that the output receipt-file names, '' for none. */
  receipt: string
}

export const JOB = {
  GITHUB_SERVER_URL: 'https://git.example.org',
  GITHUB_REPOSITORY: 'acme/fraud',
  GITHUB_SHA: '3f1c2d9a0b4c5d6e7f8091a2b3c4d5e6f7081920',
  GITHUB_RUN_ID: '4711',
  GITHUB_RUN_ATTEMPT: '2',
  GITHUB_JOB: 'gate',
  GITHUB_ACTION: 'gate',
}

/** Runs the step with the inputs of a `with:` block, in a job of its own unless `job` says which one. */
export async function runStep(
  inputs: Record<string, string>,
  job: Record<string, string> = { GITHUB_RUN_ID: String(randomInt(2 ** 47)) },
): Promise<StepResult> {
  const folder = mkdtempSync(join(tmpdir(), 'governance-action-'))
  const files = { GITHUB_OUTPUT: join(folder, 'out'), GITHUB_STEP_SUMMARY: join(folder, 'summary') }
  for (const file of Object.values(files)) writeFileSync(file, '')
  const given = Object.entries(manifest.inputs).map(([name, { default: value }]) => [
    `INPUT_${name.toUpperCase()}`,
    inputs[name] ?? value ?? '',
  ])
  try {
    const child = spawn(process.execPath, [join(actionFolder, manifest.runs.main)], {
      cwd: folder,
      env: { ...JOB, ...job, ...files, RUNNER_TEMP: folder, ...Object.fromEntries(given) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const text = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (chunk) => {
        text[name] += chunk
      })
    }
    const [code] = await once(child, 'close')
    const outputs = readOutputs(readFileSync(files.GITHUB_OUTPUT, 'utf8'))
    const receipt = outputs['receipt-file']
    return {
      code,
      ...text,
      commands: text.stdout.split(/\r\n|\r|\n/).flatMap(readCommand),
      outputs,
      receipt: receipt ? readFileSync(receipt, 'utf8') : '',
      summary: readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8'),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const decode = (text: string, pairs: [string, string][]) =>
  pairs.reduce((result, [from, to]) => result.replaceAll(from, to), text)
const DATA: [string, string][] = [
  ['%0D', '\r'],
  ['%0A', '\n'],
  ['%25', '%'],
]

/** Both forms that a runner knows: `::name key=value::data` at the start, `##[name key=value;]data` anywhere. */
function readCommand(line: string): Command[] {
  const match =
    /^\s*::([^ :]+)(?: (.*?))?::(.*)$/.exec(line) ?? /##\[(\S+?)(?: (.*?))?\](.*)$/.exec(line)
  if (!match) return []
  const [, name = '', properties = '', data = ''] = match
  const title = properties.split(',').find((property) => property.startsWith('title='))
  return [
    {
      name,
      title: title && decode(title.slice('title='.length), [['%3A', ':'], ['%2C', ','], ...DATA]),
      message: decode(data, DATA),
    },
  ]
}

function readOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {}
  const lines = text.split('\n')
  for (let i = 0; i < lines.length - 1; i += 1) {
    const [name = '', delimiter = ''] = (lines[i] as string).split('<<')
    const end = lines.indexOf(delimiter, i + 1)
    outputs[name] = lines.slice(i + 1, end).join('\n')
    i = end
  }
  return outputs
}
