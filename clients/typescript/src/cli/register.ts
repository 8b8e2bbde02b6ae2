import { createHash } from 'node:crypto'
import type { Command } from 'commander'
import type { JsonObject } from '../json.ts'
import type { Parent, Registration } from '../lineage-types.ts'
import type { Runner } from './context.ts'
import { usage } from './exit.ts'
import { readChunks, readJsonObject } from './input.ts'

interface RegisterOptions {
  modelId?: string
  version?: string
  createdBy?: string
  artifact?: string[]
  parent?: string[]
  metadata?: string
  aibom?: string
  idempotencyKey?: string
}

/** A digest as it is written: an algorithm, a colon, and the digest. */
const DIGEST = /^[a-z0-9][a-z0-9-]*:[A-Za-z0-9+/=_-]{16,}$/

/** `aigov register` */
export function addRegister(program: Command, run: Runner): void {
  const repeat = (value: string, before: string[] = []) => [...before, value]
  program
    .command('register')
    .description('Register a version of a model: from a JSON file, from options, or from both.')
    .argument(
      '[file]',
      'JSON object as POST /mcp-lineage/register takes it, "-" for standard input',
    )
    .option('--model-id <id>', 'the model')
    .option('--version <version>', 'its version')
    .option('--created-by <name>', 'who made it: a pseudonym, it stays for ever')
    .option('--artifact <digest or file>', 'a digest, or a file to digest; may be repeated', repeat)
    .option('--parent <parent>', 'MODEL@VERSION or dataset:NAME; may be repeated', repeat)
    .option('--metadata <file>', 'JSON object of your own')
    .option('--aibom <file>', 'signed bill of materials')
    .option('--idempotency-key <key>', 'registered once, however often sent')
    .addHelpText(
      'after',
      `
Options replace what the file says. Examples:
  aigov register examples/register_model.json
  aigov register --model-id fraud-detector --version 1.2.3 --created-by team-fraud \\
    --artifact model.safetensors --parent base-encoder@4.0.0 --parent dataset:claims-2025-q4
  aigov aibom sign bom.json --key aibom_private_key.pem --out signed.json
  aigov register model.json --aibom signed.json`,
    )
    .action((file: string | undefined, options: RegisterOptions, command: Command) =>
      run(command, async (context) => {
        const model = await registrationOf(file, options)
        const { idempotencyKey } = options
        const call = { signal: context.signal, idempotencyKey }
        const record = await context.client().lineage.register(model, call)
        context.result(record, () => [
          `Registered ${record.model_id}@${record.version}, revision ${record.revision}.`,
          `record ${record.id}  ${record.record_hash}`,
          `log entry ${record.audit.id}  ${record.audit.entry_hash}`,
        ])
      }),
    )
}

async function registrationOf(
  file: string | undefined,
  options: RegisterOptions,
): Promise<Registration> {
  const { modelId, version, createdBy } = options
  const sources = [file, options.metadata, options.aibom].filter((path) => path === '-')
  if (sources.length > 1) throw usage('Standard input ("-") can be read once only.')
  const model: JsonObject = {
    ...(file !== undefined && (await readJsonObject(file))),
    ...(modelId !== undefined && { model_id: modelId }),
    ...(version !== undefined && { version }),
    ...(createdBy !== undefined && { created_by: createdBy }),
    ...(options.artifact && { artifacts: await digestsOf(options.artifact) }),
    ...(options.parent && { parents: options.parent.map(parentOf) }),
    ...(options.metadata !== undefined && { metadata: await readJsonObject(options.metadata) }),
    ...(options.aibom !== undefined && { aibom: await readJsonObject(options.aibom) }),
  }
  const needed = { model_id: '--model-id', version: '--version', created_by: '--created-by' }
  for (const [name, option] of Object.entries(needed)) {
    if (!Object.hasOwn(model, name)) {
      throw usage(`Nothing says the ${name}: give ${option}, or a file that holds "${name}".`)
    }
  }
  // The service says best what else is wrong with it.
  return model as unknown as Registration
}

/** Digests as given; whatever is not written as a digest is a file, whose SHA-256 is taken. */
async function digestsOf(artifacts: readonly string[]): Promise<string[]> {
  const digests: string[] = []
  for (const artifact of artifacts) {
    digests.push(DIGEST.test(artifact) ? artifact : await digestFile(artifact))
  }
  return digests
}

async function digestFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of readChunks(path)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

function parentOf(text: string): Parent {
  if (text.startsWith('dataset:') && text.length > 8) return { dataset: text.slice(8) }
  const at = text.lastIndexOf('@')
  if (at < 1 || at === text.length - 1) {
    throw usage(`--parent ${text} must be MODEL@VERSION or dataset:NAME.`)
  }
  return { model_id: text.slice(0, at), version: text.slice(at + 1) }
}
