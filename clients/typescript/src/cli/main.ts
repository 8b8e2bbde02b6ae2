#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { addAibom } from './aibom.ts'
import { addAudit } from './audit.ts'
import { Context, type Run } from './context.ts'
import { EXIT, EXIT_CODES_HELP, Exit, exitOf } from './exit.ts'
import { addExport } from './export.ts'
import { addGate } from './gate.ts'
import { addKeys } from './keys.ts'
import { addLog } from './log.ts'
import { packageVersion } from './package-version.ts'
import { addPolicy } from './policy.ts'
import { addReceipt } from './receipt.ts'
import { addRegister } from './register.ts'
import { addStatus } from './status.ts'
import { refuseTokenOption } from './token.ts'
import { addValidate } from './validate.ts'
import { addVerify } from './verify.ts'
import { addVsa } from './vsa.ts'
import { addWitness } from './witness.ts'

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // Again is no reason to end without a word: whoever started this process may pass on what a terminal has told it.
  process.on(name, () => {
    stopping.abort(new Exit(EXIT.interrupted, 'interrupted'))
    // What waits for standard input or a disk hears of no signal.
    setTimeout(() => process.exit(EXIT.interrupted), 2_000).unref()
  })
}
// Whoever read the output has gone. Never 0: what was not written may have been "denied" or "not verified".
process.stdout.on('error', () => process.exit(EXIT.failed))

async function run(command: Command, work: Run): Promise<void> {
  await work(new Context(command, stopping.signal))
}

function makeProgram(): Command {
  const program = new Command('aigov')
    .description('Command line of the AI Governance Control Plane.')
    .option(
      '--url <url>',
      'where the gateway is (or AIGOV_URL)',
      process.env.AIGOV_URL || 'http://127.0.0.1:8080',
    )
    .option('--timeout <seconds>', 'time for each call, retries included', '30')
    .option('--json', 'write the whole answer to standard output as one line of JSON')
    .showHelpAfterError('Run the same command with --help to see what it takes.')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  aigov status
  aigov validate payload.json && aigov register model.json
  aigov audit key > log.key && aigov export --out audit.ndjson && aigov verify audit.ndjson --key log.key

Where the gateway asks for credentials, AIGOV_TOKEN holds the token, or AIGOV_TOKEN_FILE the path of a file with it.
Results go to standard output, everything else to standard error. "aigov <command> --help" shows an
example of each command, "aigov --version" which one this is. "aigov policy" has exit codes of its own.
${EXIT_CODES_HELP}`,
    )
  for (const add of [
    ...[
      addStatus,
      addRegister,
      addValidate,
      addGate,
      addReceipt,
      addVsa,
      addLog,
      addExport,
      addVerify,
      addAudit,
      addAibom,
    ],
    ...[addPolicy, addWitness, addKeys],
  ]) {
    add(program, run)
  }
  return program
}

try {
  // Not an option of commander's: those are looked for behind a command too, where `register` has its own.
  if (process.argv.slice(2).join(' ') === '--version') process.stdout.write(`${packageVersion()}\n`)
  else {
    refuseTokenOption(process.argv.slice(2))
    await makeProgram().parseAsync()
  }
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, or shown the help that was asked for.
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage
  } else {
    const { code, message } = exitOf(error)
    if (message) process.stderr.write(`${message}\n`)
    process.exitCode = code
  }
}
