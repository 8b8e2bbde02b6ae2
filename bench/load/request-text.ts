/** One HTTP request. */
export interface Call {
  url: string
  /** POSTed as JSON; without it the call is a GET. */
  body?: object
  headers?: Readonly<Record<string, string>>
}

/** A request as it travels, for the loads that write to a socket themselves. */
export interface RequestText {
  port: number
  text: string
}

/** Hosts are addresses of this machine, so the port is all that says where to. */
export function requestText({ url, body, headers = {} }: Call): RequestText {
  const { port, host, pathname, search } = new URL(url)
  const content = body === undefined ? '' : JSON.stringify(body)
  const lines = [
    `${body === undefined ? 'GET' : 'POST'} ${pathname}${search} HTTP/1.1`,
    `host: ${host}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(body === undefined
      ? []
      : ['content-type: application/json', `content-length: ${Buffer.byteLength(content)}`]),
  ]
  return { port: Number(port), text: `${lines.join('\r\n')}\r\n\r\n${content}` }
}
