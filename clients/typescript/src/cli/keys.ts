import type { Command } from 'commander'
import { type ApiKey, findKey, stateOf } from './api-keys.ts'
import type { Context, Runner } from './context.ts'
import { usage } from './exit.ts'
import { changeKeyFile, readKeyFile } from './key-file.ts'
import { addKeysCreate } from './keys-create.ts'
import { FILE_OPTION, keyFileOf } from './keys-file-option.ts'

interface FileOption {
  file?: string
}

/** `aigov keys …` */
export function addKeys(program: Command, run: Runner): void {
  const keys = program
    .command('keys')
    .description(
      'Make, list and revoke the API keys of a gateway, in the file that it reads. Asks no server.',
    )
    .helpCommand(false)
    .addHelpText(
      'after',
      `
Examples:
  aigov keys create --name ci --scope policy:evaluate
  aigov keys list
  aigov keys revoke ci

The file is that of API_KEYS_PATH: readable by its owner alone, who must be the user that the gateway runs as. A gateway
that runs takes a change within a second. Tokens are in no file: what is lost is revoked and made anew.`,
    )
  addKeysCreate(keys, run)
  addList(keys, run)
  addRevoke(keys, run)
}

function addList(keys: Command, run: Runner): void {
  keys
    .command('list')
    .description('Show the keys: who holds them, what they allow, and whether they count.')
    .option(...FILE_OPTION)
    .addHelpText(
      'after',
      `
Examples:
  aigov keys list
  aigov keys list --json | jq '.keys[] | select(.state == "active") | .name'`,
    )
    .action((options: FileOption, command: Command) =>
      run(command, async (context) => {
        const path = keyFileOf(options)
        const file = await readKeyFile(path)
        if (!file) throw usage(`There is no file ${path}: "aigov keys create" makes it.`)
        const now = new Date()
        const known = file.keys.map(({ sha256: _, ...key }) => ({
          ...key,
          state: stateOf(key, now),
        }))
        context.result({ keys: known }, () => linesOf(known))
      }),
    )
}

function linesOf(keys: readonly (Omit<ApiKey, 'sha256'> & { state: string })[]): string[] {
  if (keys.length === 0) return ['No keys.']
  const width = Math.max(...keys.map(({ name }) => name.length))
  return keys.map(({ id, name, state, scopes, expires_at, revoked_at }) => {
    const until = revoked_at ? `revoked ${revoked_at}` : `expires ${expires_at ?? 'never'}`
    return `${id}  ${name.padEnd(width)}  ${state.padEnd(7)}  ${until.padEnd(32)}  ${scopes.join(' ')}`
  })
}

function addRevoke(keys: Command, run: Runner): void {
  keys
    .command('revoke')
    .description('Have a key count no more: a gateway that runs refuses it within a second.')
    .argument('<id or name>', 'as "aigov keys list" shows them')
    .option(...FILE_OPTION)
    .addHelpText(
      'after',
      `
It stays in the file, so that its name, which the log knows, is not given to another. Example:
  aigov keys revoke ci`,
    )
    .action((idOrName: string, options: FileOption, command: Command) =>
      run(command, (context) => revoke(context, keyFileOf(options), idOrName)),
    )
}

async function revoke(context: Context, path: string, idOrName: string): Promise<void> {
  const now = new Date().toISOString()
  if (!(await readKeyFile(path))) throw usage(`There is no file ${path}: no key can be revoked.`)
  const { before, key } = await changeKeyFile(path, (file) => {
    const before = findKey(file.keys, idOrName)
    // Once is enough: when it was revoked first is what counts.
    if (before.revoked_at !== null) return { keys: null, result: { before, key: before } }
    const key = { ...before, revoked_at: now }
    return { keys: file.keys.map((one) => (one === before ? key : one)), result: { before, key } }
  })
  const { id, name, revoked_at } = key
  const what = before.revoked_at === null ? 'is revoked' : `was revoked ${revoked_at}`
  context.result({ id, name, revoked_at }, () => [`Key ${id}, ${name}, ${what}.`])
}
