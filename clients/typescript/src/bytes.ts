import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'

const utf8 = new TextEncoder()

type Hash = (algorithm: 'sha256', data: string | Uint8Array) => string
interface NodePlatform {
  process?: { getBuiltinModule?: (name: string) => { hash?: Hash } | undefined }
}
/**
 * Node's own SHA-256, four times as fast as one in JavaScript for the short texts that are hashed here; undefined
 * elsewhere. It is asked for rather than imported, so that a browser needs nothing of Node.
 */
const nativeHash = (globalThis as NodePlatform).process?.getBuiltinModule?.('node:crypto')?.hash

/** The UTF-8 of a text. */
export function toBytes(text: string): Uint8Array {
  return utf8.encode(text)
}

/** SHA-256 in lower-case hex over a text in UTF-8, or over bytes. */
export function sha256Hex(data: string | Uint8Array): string {
  if (nativeHash) return nativeHash('sha256', data)
  return bytesToHex(sha256(typeof data === 'string' ? utf8.encode(data) : data))
}

/** Padded base64 of bytes (RFC 4648 §4). */
export function toBase64(bytes: Uint8Array): string {
  let text = ''
  // In pieces: a call takes some hundred thousand arguments at most.
  for (let at = 0; at < bytes.length; at += 32_768) {
    text += String.fromCharCode(...bytes.subarray(at, at + 32_768))
  }
  return btoa(text)
}

/** base64url of bytes without padding (RFC 4648 §5). */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** The bytes of padded base64; null unless the text is exactly what the bytes encode to. */
export function fromBase64(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0))
    // `atob` takes stray bits, spaces and missing padding. One value must have one text.
    return toBase64(bytes) === text ? bytes : null
  } catch {
    return null
  }
}

/** The bytes of base64url without padding; null unless the text is exactly what the bytes encode to. */
export function fromBase64Url(text: string): Uint8Array | null {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return null
  const padding = '='.repeat((4 - (text.length % 4)) % 4)
  return fromBase64(text.replaceAll('-', '+').replaceAll('_', '/') + padding)
}

/** The bytes of lower-case hex; null for anything else. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null
  const bytes = new Uint8Array(text.length / 2)
  writeHex(text, bytes, 0)
  return bytes
}

/** The value of each hex digit by its character code. */
const HEX_DIGITS = Uint8Array.from({ length: 128 }, (_, code) =>
  Number.parseInt(String.fromCharCode(code), 16),
)

/** Writes the bytes of hex to a place. The hex is known to be valid: nothing is checked. */
export function writeHex(hex: string, target: Uint8Array, at: number): void {
  for (let i = 0, to = at; i < hex.length; i += 2, to++) {
    const high = HEX_DIGITS[hex.charCodeAt(i)] as number
    target[to] = (high << 4) | (HEX_DIGITS[hex.charCodeAt(i + 1)] as number)
  }
}

export { bytesToHex as toHex }
