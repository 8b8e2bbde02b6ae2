import type { Command } from 'commander'
import type { AuditEvent } from '../audit-types.ts'
import type { JsonObject } from '../json.ts'
import type { Runner } from './context.ts'
import { usage } from './exit.ts'
import { parseObject, readJsonObject } from './input.ts'

interface LogOptions {
  eventType?: string
  subject?: string
  decision?: string
  details?: string
  idempotencyKey?: string
}

/** `aigov log` */
export function addLog(program: Command, run: Runner): void {
  program
    .command('log')
    .description('Put an event on record: from a JSON file, from options, or from both.')
    .argument('[file]', 'JSON object as POST /mcp-audit/log takes it, "-" for standard input')
    .option('--event-type <type>', 'what happened, such as model.released')
    .option('--subject <subject>', 'with what: a pseudonym, it stays for ever')
    .option('--decision <true|false>', 'what was decided')
    .option('--details <json or file>', 'JSON object, or a file that holds one')
    .option('--idempotency-key <key>', 'put on record once, however often sent')
    .addHelpText(
      'after',
      `
Options replace what the file says. Examples:
  aigov log event.json
  aigov log --event-type model.released --subject fraud-detector@1.2.3 --decision true \\
    --details '{"environment":"production","ticket":"OPS-1234"}'`,
    )
    .action((file: string | undefined, options: LogOptions, command: Command) =>
      run(command, async (context) => {
        const event = await eventOf(file, options)
        const { idempotencyKey } = options
        const call = { signal: context.signal, idempotencyKey }
        const entry = await context.client().audit.log(event, call)
        context.result(entry, () => [
          `Entry ${entry.id} at ${entry.created_at}: ${entry.event_type} ${entry.subject} ${entry.decision}`,
          `entry_hash ${entry.entry_hash}`,
        ])
      }),
    )
}

async function eventOf(file: string | undefined, options: LogOptions): Promise<AuditEvent> {
  const { eventType, subject, decision, details } = options
  if (file === '-' && details === '-') throw usage('Standard input ("-") can be read once only.')
  if (decision !== undefined && decision !== 'true' && decision !== 'false') {
    throw usage('--decision must be true or false.')
  }
  const event: JsonObject = {
    ...(file !== undefined && (await readJsonObject(file))),
    ...(eventType !== undefined && { event_type: eventType }),
    ...(subject !== undefined && { subject }),
    ...(decision !== undefined && { decision: decision === 'true' }),
    ...(details !== undefined && { details: await detailsOf(details) }),
  }
  const needed = { event_type: '--event-type', subject: '--subject', decision: '--decision' }
  for (const [name, option] of Object.entries(needed)) {
    if (!Object.hasOwn(event, name)) {
      throw usage(`Nothing says the ${name}: give ${option}, or a file that holds "${name}".`)
    }
  }
  // The service says best what else is wrong with it.
  return event as unknown as AuditEvent
}

async function detailsOf(text: string): Promise<JsonObject> {
  return text.trimStart().startsWith('{') ? parseObject(text, '--details') : readJsonObject(text)
}
