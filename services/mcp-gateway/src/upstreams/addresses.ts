import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'

/** Finds the addresses that a host name stands for now. Rejects where it stands for none. */
export type Resolver = (host: string) => Promise<string[]>

/** As the system resolves names: what /etc/hosts says counts too, as it does for everybody else on the machine. */
export const resolveBySystem: Resolver = async (host) => {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** The address where a host, as it stands in a URL, is one itself; null where it is a name. */
export function literalAddress(host: string): string | null {
  const bare = host.startsWith('[') ? host.slice(1, -1) : host
  return isIP(bare) > 0 ? bare : null
}

/**
 * A lookup for connections that gives one address whatever is asked: the name stays that of the service, in
 * the Host header too, while the connection goes to this one replica.
 */
export function pinnedLookup(address: string): LookupFunction {
  const family = isIP(address)
  return (_host, options, callback) => {
    if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
}
