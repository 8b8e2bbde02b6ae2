import { run, serve } from '@ai-governance/common/http/serve'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'

await run(async () => {
  const config = readConfig()
  await serve(await buildApp(config), {
    host: config.HOST,
    port: config.PORT,
    metricsPort: config.METRICS_PORT,
  })
})
