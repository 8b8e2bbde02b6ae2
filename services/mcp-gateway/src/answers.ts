import { z } from 'zod'

/** Which services there are, and the address of each under the host that was called. */
export const DirectoryAnswer = z.strictObject({
  services: z.array(z.string()),
  directory: z.record(z.string(), z.string()),
})

/**
 * What the gateway needs of the record that mcp-lineage answers with; the rest goes through as it is. The
 * record itself is described by the service that makes it.
 */
export const RegisteredRecord = z.looseObject({
  model_id: z.string(),
  audit: z.strictObject({ id: z.int(), entry_hash: z.string() }),
})

/** A registration through the gateway. */
export const RegisteredAnswer = z.strictObject({
  status: z.literal('ok'),
  model_id: z.string(),
  lineage: RegisteredRecord,
  audit: RegisteredRecord.shape.audit,
})
