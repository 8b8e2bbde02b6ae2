import { writeFileSync } from 'node:fs'
import { policySchema } from '../src/schema/policy-schema.ts'

/** Where editors find the schema of the files next to it. */
export const SCHEMA_FILE = new URL('../../../policies/policy.v1.schema.json', import.meta.url)

/** The text of the file: run this module to write it. */
export function schemaText(): string {
  return `${JSON.stringify(policySchema(), null, 2)}\n`
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, schemaText())
