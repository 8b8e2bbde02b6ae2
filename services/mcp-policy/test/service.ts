import { join } from 'node:path'
import { type AppOptions, buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** The folder of the policies that are shipped. */
export const SHIPPED = join(import.meta.dirname, '../../../policies')

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
