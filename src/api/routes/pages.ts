import type { FastifyInstance } from 'fastify'

import type { ApiMetrics } from '../metrics.ts'

/** What is not an operation: the front page, the OpenAPI document, and the metrics. */
export function servePages(app: FastifyInstance, metrics: ApiMetrics, openApi: () => object): void {
  // It takes a seventh of a second to write, which whoever starts has no use for.
  let document: object | undefined
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(frontPage))
  app.get('/api/v1/openapi.json', () => (document ??= openApi()))
  app.get('/metrics', async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.render()),
  )
}

const frontPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Biwa</title>
<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>Biwa</h1>
<p>This is a Biwa server: it collects events and bulk data, stores them in tables, and answers SQL.</p>
<ul>
  <li><a href="/api/v1/openapi.json">/api/v1/openapi.json</a> describes the REST API.</li>
  <li><a href="/readyz">/readyz</a> tells whether everything it needs is there.</li>
  <li><a href="/metrics">/metrics</a> is for Prometheus.</li>
</ul>
</html>
`
