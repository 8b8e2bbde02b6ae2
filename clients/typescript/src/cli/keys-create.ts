import type { Command } from 'commander'
import { makeKey, NAME } from './api-keys.ts'
import type { Runner } from './context.ts'
import { usage } from './exit.ts'
import { DEFAULT_DAYS, expiryOf } from './key-expiry.ts'
import { changeKeyFile } from './key-file.ts'
import { closest, SCOPES, type Scope } from './key-scopes.ts'
import { FILE_OPTION, keyFileOf } from './keys-file-option.ts'

interface CreateOptions {
  name: string
  scope: string[]
  expires?: string
  file?: string
}

/** `aigov keys create` */
export function addKeysCreate(keys: Command, run: Runner): void {
  keys
    .command('create')
    .description(
      'Make a key: its token goes to standard output, this once, and its hash into the file.',
    )
    .requiredOption('--name <name>', 'who will hold it; entries of the log say key:<name>')
    .requiredOption(
      '--scope <scope>',
      'what it allows; may be repeated',
      (one, all: string[] = []) => [...all, one],
    )
    .option(
      '--expires <when>',
      `in days (90d), a time in RFC 3339, or never; default ${DEFAULT_DAYS}d`,
    )
    .option(...FILE_OPTION)
    .addHelpText(
      'after',
      `
Scopes: ${SCOPES.join(', ')} (admin allows all of them).
Examples:
  aigov keys create --name ci --scope policy:evaluate
  aigov keys create --name auditor --scope audit:read --scope audit:export --expires 2027-03-31T00:00:00Z > token`,
    )
    .action((options: CreateOptions, command: Command) =>
      run(command, async (context) => {
        const { name } = options
        if (!NAME.test(name)) {
          throw usage(
            '--name is 1 to 64 letters, digits, ".", "_" and "-", and begins with a letter or digit.',
          )
        }
        const scopes = options.scope.map(scopeOf)
        const now = new Date()
        const expiresAt = expiryOf(options.expires, now)
        const path = keyFileOf(options)
        const { key, token } = await changeKeyFile(path, (file) => {
          const made = makeKey(file.keys, { name, scopes, expiresAt }, now)
          return { keys: [...file.keys, made.key], result: made }
        })
        const { sha256: _, ...told } = key
        context.result({ token, ...told }, () => [token])
        const end =
          expiresAt === null ? 'It never expires.' : `It expires ${expiresAt}${byDefault(options)}.`
        context.note(
          `key ${key.id}, ${name}: ${key.scopes.join(' ')}. ${end}`,
          'Its token is on standard output and nowhere else: hand it over now, by a way that nobody else sees.',
        )
      }),
    )
}

function byDefault({ expires }: CreateOptions): string {
  return expires === undefined ? `, in ${DEFAULT_DAYS} days; --expires says otherwise` : ''
}

function scopeOf(text: string): Scope {
  const known = SCOPES.find((scope) => scope === text)
  if (known) return known
  const near = closest(text, SCOPES)
  const guess = near ? ` Did you mean ${near}?` : ''
  throw usage(`There is no scope ${text}.${guess} There are: ${SCOPES.join(', ')}.`)
}
