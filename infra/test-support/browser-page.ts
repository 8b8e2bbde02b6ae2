import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Failure } from '../failure.ts'
import { type Browser, findChromium, startChromium } from './chromium.ts'

/** A page in a headless browser, spoken to by the Chrome DevTools Protocol. */
export interface Page {
  /** Opens an address and resolves when it is loaded. */
  open(url: string): Promise<void>
  /** What an expression comes to in the page, once a promise in it is settled. Throws what it throws. */
  evaluate(expression: string): Promise<unknown>
  /** What the page has complained of so far: errors, failed loads, violations of its policy. */
  complaints: string[]
}

/** Starts a browser with its profile in `folder`; `cleanup` ends it. Throws `Failure` where there is none. */
export async function openBrowser(folder: string, cleanup: AsyncDisposableStack): Promise<Page> {
  const profile = join(folder, 'profile')
  const browser = startChromium(findChromium(), {
    url: 'about:blank',
    profile,
    flags: ['--remote-debugging-port=0'],
  })
  cleanup.defer(() => browser.end())
  const port = await debugPort(profile, browser)
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as Target[]
  const target = targets.find(({ type }) => type === 'page') as Target
  return pageOver(await connected(target.webSocketDebuggerUrl))
}

interface Target {
  type: string
  webSocketDebuggerUrl: string
}

/** The port that the browser chose: it writes it to a file of its profile. */
async function debugPort(profile: string, browser: Browser): Promise<string> {
  const file = join(profile, 'DevToolsActivePort')
  while (!existsSync(file) || !readFileSync(file, 'utf8').includes('\n')) {
    if (browser.hasEnded()) {
      throw new Failure(`The browser ended before it could be used:\n${browser.said()}`)
    }
    await sleep(50)
  }
  return readFileSync(file, 'utf8').split('\n', 1)[0] as string
}

async function connected(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url)
  await once(socket, 'open')
  return socket
}

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { message: string }
}

async function pageOver(socket: WebSocket): Promise<Page> {
  const complaints: string[] = []
  const waiting = new Map<number, (message: Message) => void>()
  const events = new EventTarget()
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data)) as Message
    if (message.id !== undefined) waiting.get(message.id)?.(message)
    else if (isComplaint(message)) complaints.push(JSON.stringify(message.params))
    else events.dispatchEvent(new Event(message.method ?? ''))
  })
  let last = 0
  const send = (method: string, params: object = {}): Promise<Record<string, unknown>> => {
    const id = ++last
    socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => {
      waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(error.message)) : resolve(result ?? {}),
      )
    })
  }
  for (const domain of ['Page', 'Runtime', 'Log']) await send(`${domain}.enable`)
  await send('Audits.enable')
  return {
    complaints,
    async open(url) {
      const loaded = once(events, 'Page.loadEventFired')
      await send('Page.navigate', { url })
      await loaded
    },
    async evaluate(expression) {
      const options = { awaitPromise: true, returnByValue: true }
      const { result, exceptionDetails } = await send('Runtime.evaluate', {
        expression,
        ...options,
      })
      if (exceptionDetails) throw new Error(JSON.stringify(exceptionDetails))
      return (result as { value?: unknown }).value
    },
  }
}

function isComplaint({ method, params }: Message): boolean {
  if (method === 'Runtime.exceptionThrown' || method === 'Audits.issueAdded') return true
  if (method === 'Runtime.consoleAPICalled') return params?.type === 'error'
  const entry = params?.entry as { level?: string } | undefined
  return method === 'Log.entryAdded' && entry?.level === 'error'
}
