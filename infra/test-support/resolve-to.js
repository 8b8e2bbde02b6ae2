// Loaded into a process before its own modules: every name, addresses aside, resolves to the addresses in RESOLVE_TO, as the name
// of a service with replicas does in a network of containers.
import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import { isIP } from 'node:net'

const addresses = process.env.RESOLVE_TO.split(',')
dns.lookup = async (host) =>
  (isIP(host) ? [host] : addresses).map((address) => ({ address, family: isIP(address) }))
syncBuiltinESMExports()
