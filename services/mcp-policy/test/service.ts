import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type AppOptions, buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { readFolder } from '../src/policy-folder.ts'
import { preparePolicies } from '../src/prepare-policies.ts'

/** The folder of the policies that are shipped. */
export const SHIPPED = join(import.meta.dirname, '../../../policies')

export async function shippedPolicies() {
  const read = await readFolder(SHIPPED)
  assert.ok(read.ok)
  const prepared = preparePolicies(read.files)
  assert.ok(prepared.ok)
  return { set: prepared.set, files: read.files }
}

/** The service over the shipped policies; `env` changes its configuration. */
export async function startService(env: Record<string, string> = {}, options: AppOptions = {}) {
  const app = await buildApp(
    readConfig({ POLICIES_DIR: SHIPPED, PORT: '80', LOG_LEVEL: 'silent', ...env }),
    options,
  )
  const validate = (payload: unknown, url = '/validate') =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify({ payload }),
    })
  return { app, validate, stop: () => app.close() }
}

/** The payload of the README, which is allowed. */
export const EXAMPLE = {
  model_class: 'vision',
  use_case: 'general',
  risk: { data_sensitivity: 1, model_complexity: 1, deployment_impact: 1, monitoring_maturity: 3 },
}
