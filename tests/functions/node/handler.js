// A function with Sentry's Node SDK: the runtime loop and a handler in one.
// Environment: SENTRY_DSN, NODE_PATH, FAIL_AT_INIT, TUNNEL (a URL) and SENTRY_PACKAGE, another one of theirs. Event and
// answer as in ../python/handler.py.
// Runtime loop: AWS docs, "Using the Lambda runtime API for custom runtimes".
'use strict';

const http = require('node:http');
const Sentry = require(process.env.SENTRY_PACKAGE || '@sentry/node');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const base = '/2018-06-01/runtime/invocation';
const tooMuch = (6 << 20) + 101; // bytes of an answer
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body, headers = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path, agent, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

// Does not return if it can be helped.
async function fail(how) {
  if (how === 'hang') await new Promise((resolve) => setTimeout(resolve, 3600000));
  if (how === 'crash') process.exit(3);
  if (how.startsWith('exit:')) process.exit(Number(how.slice('exit:'.length)));
  if (how === 'abort') process.abort();
  if (how === 'kill') process.kill(process.pid, 'SIGKILL');
  const eaten = [];
  while (how === 'oom') eaten.push(Buffer.alloc(8 << 20, 1));
}

async function reportError(path, type, members) {
  const body = { errorType: type, errorMessage: 'orders failed', stackTrace: [], ...members };
  await call('POST', path, JSON.stringify(body), { 'Lambda-Runtime-Function-Error-Type': type });
}

async function failAtInit(how) {
  const path = '/2018-06-01/runtime/init/error';
  if (how === 'error') await reportError(path, 'Runtime.ImportModuleError', {});
  await fail(how === 'error' ? 'exit:1' : how);
}

async function handle(event) {
  await new Promise((resolve) => setTimeout(resolve, event.work_ms ?? 20));
  const sent = [];
  for (let number = 0; number < (event.errors ?? 1); number += 1) {
    const hint = { captureContext: { extra: { ballast: 'x'.repeat(event.size ?? 0) } } };
    sent.push(Sentry.captureException(new Error(`order ${number} failed`), hint));
  }
  if (event.flush) await Sentry.flush(2000);
  await fail(event.then ?? '');
  return { sent };
}

async function serve() {
  if (process.env.FAIL_AT_INIT) await failAtInit(process.env.FAIL_AT_INIT);
  for (;;) {
    const invocation = await call('GET', `${base}/next`);
    const id = invocation.headers['lambda-runtime-aws-request-id'];
    const event = JSON.parse(invocation.body || '{}');
    const result = await handle(event);
    if (event.then === 'oversized') result.ballast = 'x'.repeat(tooMuch);
    if (event.then === 'raise') {
      await reportError(`${base}/${id}/error`, 'Function.OrderFailed', result);
    } else {
      await call('POST', `${base}/${id}/response`, JSON.stringify(result));
    }
  }
}

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  tunnel: process.env.TUNNEL,
  // Repeated errors are the point here.
  integrations: (defaults) => defaults.filter((integration) => integration.name !== 'Dedupe'),
});
serve();
