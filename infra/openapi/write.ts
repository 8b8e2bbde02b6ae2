// Writes the OpenAPI document that the gateway serves: node infra/bootstrap.js infra/openapi/write.ts
import { writeFileSync } from 'node:fs'
import { openApiDocument } from './document.ts'

/** In the gateway's sources, because its image holds nothing else. */
export const OPENAPI_FILE = new URL(
  '../../services/mcp-gateway/src/docs/openapi.json',
  import.meta.url,
)

/** The text of the file. */
export function documentText(): string {
  return `${JSON.stringify(openApiDocument(), null, 1)}\n`
}

if (import.meta.main) writeFileSync(OPENAPI_FILE, documentText())
