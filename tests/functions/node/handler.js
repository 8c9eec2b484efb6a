// A function with Sentry's Node SDK: the runtime loop and a handler in one.
// Environment: SENTRY_DSN, NODE_PATH. Event and answer as in ../python/handler.py.
// Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes".
'use strict';

const http = require('node:http');
const Sentry = require('@sentry/node');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const base = '/2018-06-01/runtime/invocation';
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function handle(event) {
  await new Promise((resolve) => setTimeout(resolve, event.work_ms ?? 20));
  const sent = [];
  for (let number = 0; number < (event.errors ?? 1); number += 1) {
    const hint = { captureContext: { extra: { ballast: 'x'.repeat(event.size ?? 0) } } };
    sent.push(Sentry.captureException(new Error(`order ${number} failed`), hint));
  }
  if (event.flush) await Sentry.flush(2000);
  return { sent };
}

async function serve() {
  for (;;) {
    const invocation = await call('GET', `${base}/next`);
    const id = invocation.headers['lambda-runtime-aws-request-id'];
    const result = await handle(JSON.parse(invocation.body || '{}'));
    await call('POST', `${base}/${id}/response`, JSON.stringify(result));
  }
}

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  // Repeated errors are the point here.
  integrations: (defaults) => defaults.filter((integration) => integration.name !== 'Dedupe'),
});
serve();
