import { run, serve } from '@ai-governance/common/http/serve'
import { buildApp } from './app.ts'
import { readConfig } from './config.ts'

await run(async () => {
  const config = readConfig()
  await serve(buildApp(config), config)
})
