import { GATEWAY_SERVICE } from '@ai-governance/common/callers/callers'

/** The service that records which policies are in force. */
export const POLICY_SERVICE = 'service:mcp-policy'

/**
 * Event types that the control plane writes, by how they begin, and who alone may append them by `POST /log`. Null:
 * nobody, since they are written with the change that they attest.
 */
const WRITERS: Readonly<Record<string, string | null>> = {
  lineage: null,
  audit: null,
  policy: POLICY_SERVICE,
  gate: GATEWAY_SERVICE,
  auth: GATEWAY_SERVICE,
}

/**
 * Whether a caller may append an event of this type. In lower case alone: `Gate.decided` is for nobody. Letters of other
 * scripts are letters like any others: what reads entries compares whole names.
 *
 * @param service the `svc` of its verified identity
 */
export function mayAppend(eventType: string, service: string | null | undefined): boolean {
  const [, begin] = /^([a-z]+)\./i.exec(eventType) ?? []
  if (begin === undefined || !Object.hasOwn(WRITERS, begin.toLowerCase())) return true
  const writer = Object.hasOwn(WRITERS, begin) ? WRITERS[begin] : null
  return writer !== null && writer === service
}
