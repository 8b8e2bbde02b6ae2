import { AuditApi } from './audit.ts'
import { Calls } from './calls.ts'
import { GovernanceError } from './errors.ts'
import { GatewayApi } from './gateway.ts'
import { LineageApi } from './lineage.ts'
import { PolicyApi } from './policy.ts'
import { NoteError, readVerifierKey, type VerifierKey } from './signed-note.ts'
import { type ClientOptions, Transport } from './transport.ts'

/** Everything that one gateway offers, by service. */
export interface Client {
  readonly gateway: GatewayApi
  readonly lineage: LineageApi
  readonly policy: PolicyApi
  readonly audit: AuditApi
}

/**
 * A client of one gateway. It holds no connection and need not be closed. Throws
 * `GovernanceError` with the code `invalid_argument` for options that cannot be right.
 */
export function createClient(options: ClientOptions): Client {
  const transport = new Transport(options)
  const key = auditKeyOf(options)
  return {
    gateway: new GatewayApi(new Calls(transport, ''), key),
    lineage: new LineageApi(new Calls(transport, '/mcp-lineage')),
    policy: new PolicyApi(new Calls(transport, '/mcp-policy')),
    audit: new AuditApi(new Calls(transport, '/mcp-audit'), key),
  }
}

function auditKeyOf({ auditKey }: ClientOptions): VerifierKey | null {
  try {
    return auditKey === undefined ? null : readVerifierKey(auditKey)
  } catch (cause) {
    if (!(cause instanceof NoteError)) throw cause
    throw new GovernanceError('invalid_argument', `auditKey: ${cause.message}.`, { cause })
  }
}
