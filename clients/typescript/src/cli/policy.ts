import type { Command } from 'commander'
import type { Context, Runner } from './context.ts'
import { POLICY_EXIT_HELP } from './policy-exit.ts'
import type { ExplainOptions } from './policy-explain.ts'
import { type PolicyReport, policyAction } from './policy-report.ts'

/** A command of `aigov policy`: what it takes, what its help says, and what it does. */
interface PolicyCommand<Given extends unknown[]> {
  name: string
  description: string
  arguments: readonly Argument[]
  options?: readonly (readonly [flags: string, description: string])[]
  help: string
  /** What it does is loaded here: the other commands have no use for an engine and a YAML parser. */
  work: (context: Context, ...given: Given) => Promise<PolicyReport>
}

type Argument = readonly [name: string, description: string, preset?: string]

/** Where the policies are unless an argument says otherwise. */
const FOLDER: Argument = ['[folder]', 'the policy folder', 'policies']

/** `aigov policy …` */
export function addPolicy(program: Command, run: Runner): void {
  const policy = program
    .command('policy')
    .description(
      'Check, test, explain, compare and replay policies, offline; has exit codes of its own.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  aigov policy lint && aigov policy test
  aigov policy explain payload.json
  aigov policy diff main/policies policies --export audit.ndjson
  aigov policy replay audit.ndjson

Results are written to standard output as text, json, sarif (2.1.0) or github annotations (--format), everything
else to standard error.
${POLICY_EXIT_HELP}`,
    )
  for (const add of COMMANDS) add(policy, run)
}

/** Binds the types of what a command is given; what adds it is the same for all. */
function defined<Given extends unknown[]>(
  it: PolicyCommand<Given>,
): (policy: Command, run: Runner) => void {
  return (policy, run) => {
    const command = policy.command(it.name).description(it.description)
    for (const argument of it.arguments) command.argument(...argument)
    for (const option of it.options ?? []) command.option(...option)
    command.addHelpText('after', `\n${it.help}`)
    policyAction(command, run, it.work)
  }
}

const COMMANDS = [
  defined({
    name: 'lint',
    description: 'Check every file of a policy folder completely: policies, risk matrix, tests.',
    arguments: [FOLDER],
    help: `Every problem is shown as file:line:column CODE message. Examples:
  aigov policy lint
  aigov policy lint policies --format github
  aigov policy lint policies --format sarif > policy.sarif

Exit code 0 if the policies are valid, warnings included, 3 if they are not.`,
    work: async (_context, folder: string) => (await import('./policy-lint.ts')).lint(folder),
  }),
  defined({
    name: 'test',
    description: 'Run the tests of a policy folder: every case of every *.tests.yml in it.',
    arguments: [FOLDER],
    help: `A case has its own clock, so the result is the same every day. Examples:
  aigov policy test
  aigov policy test policies/packs/eu-ai-act-art-5 --format github

Exit code 0 if all passed, 3 if the policies or the tests are not valid, 4 if one failed or there is none.`,
    work: async (_context, folder: string) => (await import('./policy-tests.ts')).test(folder),
  }),
  defined({
    name: 'explain',
    description: 'Judge one payload by a policy folder, without any server, and show why.',
    arguments: [['<payload>', 'JSON object with the payload, "-" for standard input'], FOLDER],
    options: [
      ['--at <moment>', 'the clock, RFC 3339 in UTC such as 2026-11-30T12:00:00Z; else now'],
      [
        '--aibom-evidence <file>',
        'JSON object that stands for what a verified bill of materials says',
      ],
    ],
    help: `Rules with "source: aibom" read --aibom-evidence alone; a bill inside the payload is not verified here. Examples:
  aigov policy explain payload.json
  aigov policy explain payload.json policies --at 2027-01-01T00:00:00Z --aibom-evidence evidence.json
  echo '{"model_class":"vision","use_case":"general"}' | aigov policy explain - --format json

Exit code 0 if it is allowed, 1 if it is denied, 3 if the policies are not valid.`,
    work: async (_context, payload: string, folder: string, options: ExplainOptions) =>
      (await import('./policy-explain.ts')).explain(payload, folder, options),
  }),
  defined({
    name: 'diff',
    description:
      'Show what changed policies say differently, and which recorded decisions they would turn.',
    arguments: [
      ['<folder>', 'the policy folder; of two the older one'],
      ['[newer]', 'the newer one'],
    ],
    options: [
      [
        '--export <file>',
        'NDJSON export of the log with decisions to judge again, "-" for standard input',
      ],
    ],
    help: `Two folders show what the newer one says differently. With an export each recorded decision (see "aigov policy
replay --help") is judged by the folder, the newer of two, at its own time; of two folders it is compared with
what the older one says, of one with what was decided. Examples:
  aigov policy diff main/policies policies
  aigov policy diff policies --export audit.ndjson
  aigov policy diff main/policies policies --export audit.ndjson --format github

Exit code 0 if no recorded decision turns, 1 if one does, 3 if the policies are not valid.`,
    work: async (
      { signal },
      folder: string,
      newer: string | undefined,
      options: { export?: string },
    ) => (await import('./policy-diff.ts')).diff({ folder, newer, file: options.export }, signal),
  }),
  defined({
    name: 'replay',
    description: 'Judge every decision of an export again, by the policies in the export alone.',
    arguments: [['<export>', 'NDJSON export of the log, "-" for standard input']],
    help: `The export holds the policies ("policy.activated" entries) and the decisions: entries of any type whose details
hold the payload and the whole answer, { "payload": …, "decision": … }. Each is judged under the policies of its
digest that were in force, by its own clock, and the whole answer is compared. Hashes and links of the export are
checked on the way; whose log it is, "aigov verify" tells. Examples:
  aigov verify audit.ndjson --key log.key && aigov policy replay audit.ndjson
  aigov export | aigov policy replay - --format json

Exit code 0 if every answer is the same, 4 if one is not or cannot be judged, or the export was altered.`,
    work: async ({ signal }, file: string) =>
      (await import('./policy-replay.ts')).replay(file, signal),
  }),
  defined({
    name: 'digest',
    description: 'Print the digest that identifies a policy folder in every decision.',
    arguments: [FOLDER],
    options: [
      ['--served', 'ask mcp-policy, at --url, whether these are the policies that decide there'],
    ],
    help: `Comments and layout do not count, nor do tests. Examples:
  aigov policy digest
  aigov policy digest policies --served --url http://127.0.0.1:8080

Exit code 0, or with --served 4 if the service decides by other policies, 5 if it cannot be reached.`,
    work: async (context, folder: string, { served }: { served?: true }) =>
      (await import('./policy-digest.ts')).digest(context, folder, served === true),
  }),
]
