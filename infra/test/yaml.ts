import { createRequire } from 'node:module'
import { join } from 'node:path'

// yaml is a dependency of the services, not of infra.
const require = createRequire(
  join(import.meta.dirname, '../../services/policy-engine/package.json'),
)

const yaml = require('yaml') as {
  parse(text: string): unknown
  parseAllDocuments(text: string): { toJS(): unknown }[]
}

/** Parses a YAML text; the caller says what it holds. */
export const parseYaml = (text: string): unknown => yaml.parse(text)

/** Parses a text of several YAML documents. */
export const parseYamlDocuments = (text: string): unknown[] =>
  yaml.parseAllDocuments(text).map((document) => document.toJS())
