import { isIPv4 } from 'node:net'
import { parseStrictJson, StrictJsonError } from '@ai-governance/common/formats/strict-json'
import { isLoopback } from '@ai-governance/common/http/loopback'

/** Where each service is: its name and its origin such as `http://mcp-audit:8000`. */
export type Directory = ReadonlyMap<string, string>

export const GATEWAY_NAME = 'mcp-gateway'

/** What the name of a service may look like, in the directory and in a path. */
export const SERVICE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/
const ORIGIN = /^http:\/\/(\[::1\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::([1-9][0-9]{0,4}))?$/

/**
 * Reads MCP_DIRECTORY, a JSON object of service name → `http://name[:port]`. `ownPorts` are those under
 * which the gateway itself can be reached: an entry that points back at it would call itself for ever.
 *
 * Returns the directory, or the sentences that say which entry is wrong and why.
 */
export function parseDirectory(text: string, ownPorts: readonly number[]): Directory | string[] {
  let value: unknown
  try {
    value = parseStrictJson(Buffer.from(text))
  } catch (error) {
    if (!(error instanceof StrictJsonError)) throw error
    return [`MCP_DIRECTORY is not usable JSON: ${error.message}.`]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return ['MCP_DIRECTORY must be a JSON object of service name to "http://name[:port]".']
  }
  const entries = Object.entries(value as Record<string, unknown>)
  if (entries.length === 0) return ['MCP_DIRECTORY names no service.']
  const faults = entries.flatMap(([name, url]) => {
    const fault = entryFault(name, url, ownPorts)
    return fault ? [`MCP_DIRECTORY entry ${JSON.stringify(name.slice(0, 70))} ${fault}.`] : []
  })
  if (faults.length > 0) return faults
  return new Map(entries.map(([name, url]) => [name, new URL(url as string).origin]))
}

function entryFault(name: string, url: unknown, ownPorts: readonly number[]): string | null {
  if (!SERVICE_NAME.test(name))
    return 'has a name other than lower-case letters, digits and hyphens'
  if (name === GATEWAY_NAME) return 'is the gateway itself'
  const match = typeof url === 'string' ? ORIGIN.exec(url) : null
  if (!match) return 'must be "http://name[:port]" in lower case, without user, path or query'
  const host = match[1] as string
  const port = Number(match[2] ?? 80)
  if (port > 65_535) return 'has a port above 65535'
  // The URL parser reads 0x7f000001 or 2130706433 as an address: a name must survive it unchanged.
  if (URL.parse(url as string)?.hostname !== host) return 'has a host that is not a plain name'
  if (isIPv4(host) && !isLoopback(host)) return 'is an address: use a name, or loopback'
  const isOwn = host === GATEWAY_NAME || (isLoopback(host) && ownPorts.includes(port))
  return isOwn ? 'points at the gateway itself' : null
}
