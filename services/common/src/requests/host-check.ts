import { ApiError } from '../errors.ts'

/** `host[:port]` as RFC 9110 §7.2 has it, for names, IPv4 and IPv6 in brackets. */
const HOST = /^([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?$/i
const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

export interface HostRules {
  /** The service's own name, under which its peers call it. */
  name: string
  /** The port it listens on, and the port under which clients reach it where that is another one. */
  ports: number[]
  /** Names of the operator's choice, on any port. */
  allowedHosts: string[]
}

/** Whether a `Host` value is well-formed, whatever it names. Attacker-controlled. */
export function isHost(value: string): boolean {
  return HOST.test(value)
}

/**
 * The check that keeps a web page from driving a loopback service through a name of its own that
 * resolves here (DNS rebinding): only known names are answered. Returns null, or the error to answer
 * with: `invalid_host` for none, several or a malformed one, `misdirected_request` for an unknown one.
 *
 * `rawHeaders` as Node gives them, because `headers.host` hides a second Host. Attacker-controlled.
 */
export function hostFault(rawHeaders: readonly string[], rules: HostRules): ApiError | null {
  let host: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string
    if (name.length !== 4 || name.toLowerCase() !== 'host') continue
    if (host !== undefined) return new ApiError('invalid_host')
    host = rawHeaders[i + 1] as string
  }
  const match = host === undefined ? null : HOST.exec(host)
  if (!match) return new ApiError('invalid_host')
  const name = (match[1] as string).toLowerCase()
  if (rules.allowedHosts.includes(name)) return null
  const port = match[2] === undefined ? 80 : Number(match[2])
  const known = LOOPBACK.includes(name) || name === rules.name
  return known && rules.ports.includes(port) ? null : new ApiError('misdirected_request')
}
