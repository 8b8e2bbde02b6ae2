import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { isObject, type JsonObject } from '../json.ts'
import { JsonTextError, parseJson } from '../json-text.ts'
import { usage } from './exit.ts'

/** The bytes of a file, or of standard input for `-`, as they come. Fails with exit code 2. */
export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 262_144 })
  } catch (error) {
    throw unreadable(path, error)
  }
}

/** The text of a file, or of standard input for `-`. Fails with exit code 2. */
export async function readTextFile(path: string): Promise<string> {
  let bytes: Uint8Array
  try {
    bytes = path === '-' ? await buffer(process.stdin) : await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw usage(`${nameOf(path)} is not text in UTF-8.`)
  }
}

/** The JSON object in a file, or in standard input for `-`. Fails with exit code 2. */
export async function readJsonObject(path: string): Promise<JsonObject> {
  return parseObject(await readTextFile(path), nameOf(path))
}

/**
 * The payload in a file, which may hold it as `POST /validate` takes it, with the bill of materials of another file.
 * Fails with exit code 2.
 */
export async function readPayload(path: string, aibom?: string): Promise<JsonObject> {
  if (path === '-' && aibom === '-') throw usage('Standard input ("-") can be read once only.')
  const value = await readJsonObject(path)
  const isWrapped = Object.keys(value).length === 1 && isObject(value.payload)
  const payload = isWrapped ? (value.payload as JsonObject) : value
  return aibom === undefined ? payload : { ...payload, aibom: await readJsonObject(aibom) }
}

/** The JSON object that a text holds; `name` is what to call the text. Fails with exit code 2. */
export function parseObject(text: string, name: string): JsonObject {
  try {
    const value = parseJson(text)
    if (isObject(value)) return value
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error
    throw usage(`${name} is not usable JSON: ${error.message}.`)
  }
  throw usage(`${name} must hold a JSON object.`)
}

/** What to call a path in a sentence. */
export function nameOf(path: string): string {
  return path === '-' ? 'Standard input' : path
}

function unreadable(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : null
  if (code === null) return error
  const why = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'no permission' }
  const reason = why[code as keyof typeof why] ?? code
  return usage(`${nameOf(path)} cannot be read: ${reason}.`)
}
