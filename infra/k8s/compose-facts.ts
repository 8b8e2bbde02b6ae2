import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseYaml } from '../test/yaml.ts'
import type { ComposeFacts } from './rules.ts'

/** The variables of a container, and under `<<` those that it shares with others. */
type Environment = Record<string, string> & { '<<'?: Record<string, string> }

/** What the manifests are compared with, out of the docker-compose.yml of a checkout. */
export function composeFacts(root: string): ComposeFacts {
  const file = parseYaml(readFileSync(join(root, 'docker-compose.yml'), 'utf8')) as {
    'x-service': { stop_grace_period: string }
    services: Record<string, { environment?: Environment }>
  }
  return {
    environment: Object.fromEntries(
      Object.entries(file.services).map(([name, { environment }]) => [
        name,
        { ...environment?.['<<'], ...environment },
      ]),
    ),
    stopSeconds: Number.parseInt(file['x-service'].stop_grace_period, 10),
  }
}
