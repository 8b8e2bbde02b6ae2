import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { link, open, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

// The services' own programs take this file alone, from its source: it imports nothing but Node. It is not part of
// what the package exports.

/** Where the key that signs checkpoints lies, and what was signed with it last. */
export interface AuditKeyOptions {
  /** PKCS#8 PEM with an Ed25519 private key. */
  keyFile: string
  /** One line of JSON: origin, and the size and root that were signed last. Never roll it back. */
  stateFile: string
  /** The name of the log in its checkpoints. Default: `localhost/audit/` and eight hex digits of the key's hash. */
  origin?: string | undefined
  /** Whether a pair that is there already is as good as one that is made. */
  ifMissing?: boolean | undefined
}

export interface AuditKey {
  origin: string
  /** What outsiders pin: docs/FORMATS.md, Checkpoint. */
  verifierKey: string
  /** False where the pair was there. */
  made: boolean
}

/** Why no key is made. The message says what to do. */
export class AuditKeyError extends Error {
  override readonly name = 'AuditKeyError'
}

/** Of the names of drafts. */
const END = '.new'
const ADVICE =
  'Put it back from the backup; or, if it is lost, move the other away and begin a new origin with a new key.'

/** Whether a text can name a log: 1 to 200 visible ASCII characters without "+" (C2SP signed-note, key names). */
export function isOrigin(text: string): boolean {
  return /^[\x21-\x2a\x2c-\x7e]{1,200}$/.test(text)
}

/**
 * Makes the key that signs checkpoints and its state beside it, both for their owner alone. Nothing is overwritten.
 * Throws {@link AuditKeyError} where one of the two is there without the other: a key whose state was made anew
 * would sign whatever the log holds now, which outsiders would take for two logs of one name. Throws what the
 * file system throws.
 *
 * The state comes first, and only then, when it is safe on disk, the key. What a crash between the two leaves is told
 * from a key that is lost by the drafts, which are removed last: the next run completes it.
 */
export async function makeAuditKey(options: AuditKeyOptions): Promise<AuditKey> {
  const { keyFile, stateFile, origin, ifMissing } = options
  if (origin !== undefined && !isOrigin(origin)) {
    throw new AuditKeyError(
      'An origin is 1 to 200 visible ASCII characters without "+", such as gov.example.org/audit.',
    )
  }
  await completeInterrupted(options)
  const there = [keyFile, stateFile].filter((path) => existsSync(path))
  if (there.length === 1) {
    const missing = there[0] === keyFile ? stateFile : keyFile
    throw new AuditKeyError(`${there[0]} is there and ${missing} is not. ${ADVICE}`)
  }
  if (there.length === 0) return { ...(await makePair(options)), made: true }
  const found = readPair(options)
  if (ifMissing) return { ...found, made: false }
  throw new AuditKeyError(`${keyFile} is there already, and a key is never overwritten.`)
}

async function makePair({
  keyFile,
  stateFile,
  origin,
}: AuditKeyOptions): Promise<Omit<AuditKey, 'made'>> {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const publicKey = publicKeyOf(pem)
  const named = origin ?? `localhost/audit/${fingerprint(publicKey)}`
  const root = createHash('sha256').digest('base64')
  const drafts = draftsOf(keyFile, stateFile, fingerprint(publicKey))
  try {
    await writeDraft(drafts.key, pem)
    await writeDraft(drafts.state, `${JSON.stringify({ origin: named, size: 0, root })}\n`)
    // A link, unlike a rename, never takes the place of a file that came meanwhile.
    await place(drafts.state, stateFile)
  } catch (error) {
    await remove(drafts)
    throw error
  }
  await place(drafts.key, keyFile).catch((error: unknown) => {
    // A run at the same time may have completed this one.
    if (!existsSync(keyFile) || readFileSync(keyFile, 'utf8') !== pem) throw error
  })
  await remove(drafts)
  return { origin: named, verifierKey: verifierKeyOf(named, publicKey) }
}

/** Completes a run that was ended between the two: places the key whose state it placed, and clears up. */
async function completeInterrupted({ keyFile, stateFile }: AuditKeyOptions): Promise<void> {
  if (!existsSync(stateFile)) return
  const state = statSync(stateFile)
  const start = `${basename(keyFile)}.`
  for (const name of readdirSync(dirname(keyFile))) {
    if (!name.startsWith(start) || !name.endsWith(END)) continue
    const drafts = draftsOf(keyFile, stateFile, name.slice(start.length, -END.length))
    const draft = existsSync(drafts.state) ? statSync(drafts.state) : null
    // Only the run that placed this state, and no other that ran at the same time, has a draft that is the same file.
    if (draft?.ino !== state.ino || draft.dev !== state.dev) continue
    if (!existsSync(keyFile)) await place(drafts.key, keyFile)
    await remove(drafts)
  }
}

function readPair({ keyFile, stateFile, origin }: AuditKeyOptions): Omit<AuditKey, 'made'> {
  const publicKey = publicKeyOf(readFileSync(keyFile, 'utf8'), keyFile)
  const found = originIn(stateFile)
  const own = /^localhost\/audit\/([0-9a-f]{8})$/.exec(found)?.[1]
  if (own !== undefined && own !== fingerprint(publicKey)) {
    throw new AuditKeyError(`${stateFile} is the state of another key than ${keyFile}. ${ADVICE}`)
  }
  if (origin !== undefined && origin !== found) {
    throw new AuditKeyError(
      `${stateFile} is of the origin ${found}: use that, or begin a new origin with a new key and a new state.`,
    )
  }
  return { origin: found, verifierKey: verifierKeyOf(found, publicKey) }
}

function originIn(stateFile: string): string {
  let state: unknown
  try {
    state = JSON.parse(readFileSync(stateFile, 'utf8'))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  const origin = (state as { origin?: unknown } | null | undefined)?.origin
  if (typeof origin === 'string' && isOrigin(origin)) return origin
  throw new AuditKeyError(`${stateFile} cannot be read as the state of a signer. ${ADVICE}`)
}

/** The 32 bytes of the public key that belongs to a private one in PEM. */
function publicKeyOf(pem: string, file = 'the key'): Uint8Array {
  let key: ReturnType<typeof createPrivateKey>
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new AuditKeyError(`${file} is not a private key in PEM. ${ADVICE}`)
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new AuditKeyError(`${file} is not an Ed25519 key. ${ADVICE}`)
  }
  return Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x as string, 'base64url')
}

function verifierKeyOf(origin: string, publicKey: Uint8Array): string {
  const bytes = Buffer.concat([Buffer.of(1), publicKey])
  const id = createHash('sha256').update(`${origin}\n`).update(bytes).digest('hex').slice(0, 8)
  return `${origin}+${id}+${bytes.toString('base64')}`
}

const fingerprint = (publicKey: Uint8Array): string =>
  createHash('sha256').update(publicKey).digest('hex').slice(0, 8)

interface Drafts {
  key: string
  state: string
}

/** Beside their places, under names that no other run uses. */
function draftsOf(keyFile: string, stateFile: string, tag: string): Drafts {
  const beside = (file: string) => join(dirname(file), `${basename(file)}.${tag}${END}`)
  return { key: beside(keyFile), state: beside(stateFile) }
}

/** The key's first: as long as the state's is there, the run can be completed. */
async function remove(drafts: Drafts): Promise<void> {
  await rm(drafts.key, { force: true })
  await rm(drafts.state, { force: true })
}

async function writeDraft(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncFolder(path)
}

async function place(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new AuditKeyError(`${path} came meanwhile, and is not overwritten.`)
  }
  await syncFolder(path)
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
