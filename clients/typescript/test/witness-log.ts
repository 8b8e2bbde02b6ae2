import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { checkpointText } from '../src/checkpoint.ts'
import { publicKeyOf } from '../src/ed25519.ts'
import {
  makeVerifierKey,
  noteText,
  readVerifierKey,
  signNote,
  type VerifierKey,
  verifierKeyText,
} from '../src/signed-note.ts'
import { aigov, start } from './aigov.ts'
import { consistencyProof, leavesOf, rootOf } from './tree.ts'

/** A log that signs whatever it is told to: two of one key and other entries are a fork. */
export class TestLog {
  readonly origin: string
  readonly #seed = new Uint8Array(32).fill(7)
  readonly #leaves: readonly string[]
  readonly #notes = new Map<number, string>()

  constructor(entryHashes: readonly string[], origin = 'example.org/audit') {
    this.origin = origin
    this.#leaves = leavesOf(entryHashes)
  }

  get vkey(): string {
    return verifierKeyText(makeVerifierKey(this.origin, publicKeyOf(this.#seed)))
  }

  root(size: number): string {
    return rootOf(this.#leaves.slice(0, size))
  }

  /** The signed note of a size. */
  note(size: number): string {
    const known = this.#notes.get(size)
    if (known !== undefined) return known
    const text = checkpointText({ origin: this.origin, size, root: this.root(size) })
    const note = noteText({ text, signatures: [signNote(text, this.origin, this.#seed)] })
    this.#notes.set(size, note)
    return note
  }

  /** The consistency proof as lines. */
  proof(old: number, size: number): string {
    const hashes = consistencyProof(old, this.#leaves.slice(0, size))
    return hashes.map((hex) => `${Buffer.from(hex, 'hex').toString('base64')}\n`).join('')
  }

  /** The body of add-checkpoint. */
  request(old: number, size: number): string {
    return `old ${old}\n${this.proof(old, size)}\n${this.note(size)}`
  }
}

export interface WitnessProcess {
  url: string
  key: VerifierKey
  /** All that it has logged, as objects. */
  log(): Record<string, unknown>[]
  end(signal: NodeJS.Signals): Promise<number | string>
}

/** Makes the key and the folder of a witness, in `folder`. */
export async function makeWitness(folder: string, name = 'witness.example/w1'): Promise<void> {
  const made = await aigov(['witness', 'keygen', '--name', name], { cwd: folder })
  if (made.code !== 0) throw new Error(made.err)
}

/** Runs `aigov witness` until the end of the test, on a free port unless `listen` says another. */
export async function startWitness(
  t: Pick<TestContext, 'after'>,
  folder: string,
  logs: readonly string[],
  listen = '127.0.0.1:0',
): Promise<WitnessProcess> {
  const named = logs.flatMap((vkey) => ['--log', vkey])
  const args = ['witness', ...named, '--listen', listen, '--json']
  const child = start(args, { cwd: folder })
  const exited = once(child, 'exit').then(([code, signal]) => code ?? signal)
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text) => {
    err += text
  })
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const first = once(createInterface(child.stdout), 'line').then(([line]) => JSON.parse(line))
  const ready = await Promise.race([first, exited.then(() => null)])
  if (ready === null) throw new Error(`the witness ended: ${err}`)
  return {
    url: ready.url,
    key: readVerifierKey(ready.verifier_key, 'witness'),
    log: () =>
      err
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line)),
    end: (signal) => {
      child.kill(signal)
      return exited
    },
  }
}

/** What a witness says to a body. */
export async function ask(url: string, body: string | Uint8Array<ArrayBuffer>) {
  const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    text: await response.text(),
  }
}
