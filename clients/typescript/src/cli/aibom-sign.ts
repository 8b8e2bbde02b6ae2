import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { AibomKeyError, type AibomPrivateKey, readAibomPrivateKey } from '../aibom-keys.ts'
import { type AibomFormat, unsigned } from '../aibom-result.ts'
import { signAibom } from '../aibom-sign.ts'
import { isObject, type JsonObject } from '../json.ts'
import type { Context, Runner } from './context.ts'
import { usage } from './exit.ts'
import { readJsonObject, readTextFile } from './input.ts'
import { jsonLine } from './output.ts'
import { writeWhole } from './output-file.ts'
import { assessAibom } from './policy-aibom.ts'

interface SignOptions {
  key: string
  format: string
  out: string
  force?: boolean
}

const FORMATS: readonly string[] = ['detached-jcs', 'cyclonedx-jsf']

/** `aigov aibom sign` */
export function addAibomSign(aibom: Command, run: Runner): void {
  aibom
    .command('sign')
    .description('Sign a bill of materials.')
    .argument('<file>', 'JSON object to sign, "-" for standard input')
    .requiredOption('--key <file>', 'private key, PKCS#8 PEM')
    .option('--format <format>', 'detached-jcs or cyclonedx-jsf', 'detached-jcs')
    .option('--out <file>', 'where to write it, "-" for standard output', '-')
    .option('--force', 'replace the file if it is there')
    .addHelpText(
      'after',
      `
A bill counts only for the model that it names: by model_id and version, and artifacts if there are any; in
CycloneDX by name, version and hashes of its component of type machine-learning-model. Examples:
  aigov aibom sign bom.json --key aibom_private_key.pem --out signed.json
  aigov aibom sign cyclonedx.json --format cyclonedx-jsf --key aibom_private_key.pem > signed.json`,
    )
    .action((file: string, options: SignOptions, command: Command) =>
      run(command, async (context) => {
        const { format, out, force } = options
        if (!FORMATS.includes(format)) throw usage(`--format must be ${FORMATS.join(' or ')}.`)
        if (options.key === '-') throw usage('The key must be a file.')
        const key = await readKey(context, options.key)
        const signed = sign(await readJsonObject(file), key, format as AibomFormat)
        const text = `${jsonLine(signed)}\n`
        if (out === '-') process.stdout.write(text)
        else {
          await refuseSame(out, { 'the private key': options.key, 'what is signed': file })
          await writeWhole(out, [text], { mode: 0o666, force: force === true })
        }
        context.note(`Signed by key ${key.publicKey.id} as ${format}.`)
        const warning = warningOf(signed)
        if (warning) context.note(`warning: ${warning}`)
      }),
    )
}

function sign(data: JsonObject, key: AibomPrivateKey, format: AibomFormat): JsonObject {
  try {
    return signAibom(data, key, { format })
  } catch (error) {
    throw error instanceof TypeError ? usage(`It cannot be signed: ${error.message}.`) : error
  }
}

/** Why no request will ever be bound to a signed bill, and what to do about it; null if one can be. */
function warningOf(signed: JsonObject): string | null {
  const names = { model_id: 'any', version: 'any' }
  const { result } = assessAibom(names, signed, unsigned('verified', null))
  if (result.reason !== 'bill_names_no_model') return null
  const { data } = signed
  const isBom = isObject(data) && data.bomFormat === 'CycloneDX'
  return isBom
    ? 'this is a CycloneDX bill signed as any other JSON, so no decision will count it: use --format cyclonedx-jsf.'
    : 'it names no model with a version, both texts, so no decision will count it (see --help).'
}

/** Refuses to write over one of these files, under whatever name or link; "-" is none. */
async function refuseSame(out: string, files: Record<string, string>): Promise<void> {
  const place = await stat(out).catch(() => null)
  for (const [what, path] of Object.entries(files)) {
    const file = path === '-' ? null : await stat(path)
    if (place && file && place.dev === file.dev && place.ino === file.ino) {
      throw usage(`${out} is ${what}, which is never overwritten: choose another name.`)
    }
  }
}

async function readKey(context: Context, path: string): Promise<AibomPrivateKey> {
  const text = await readTextFile(path)
  if (process.platform !== 'win32' && ((await stat(path)).mode & 0o077) !== 0) {
    context.note(`warning: others may read ${path}: chmod 600 ${path}`)
  }
  try {
    return readAibomPrivateKey(text)
  } catch (error) {
    throw error instanceof AibomKeyError ? usage(`${path}: ${error.message}.`) : error
  }
}
