import { createRequire } from 'node:module'
import { join } from 'node:path'

// yaml is a dependency of the services, not of infra.
const require = createRequire(
  join(import.meta.dirname, '../../services/policy-engine/package.json'),
)

/** Parses a YAML text; the caller says what it holds. */
export const { parse: parseYaml } = require('yaml') as { parse(text: string): unknown }
