import { run, serve } from '@ai-governance/common/http/serve'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'

await run(async () => {
  const config = readConfig()
  const { app, close } = buildApp(config)
  await serve(app, {
    host: config.HOST,
    port: config.PORT,
    metricsPort: config.METRICS_PORT,
    onStopped: close,
  })
})
