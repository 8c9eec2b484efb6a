// The least of a runtime client for Node: it loads the handler that the platform names, and calls it as AWS's does. For
// where AWS's own, which npm takes minutes to compile, would be too much.
// Environment: LAMBDA_TASK_ROOT, _HANDLER (module.export), which a preloaded module may have changed: Sentry's layer does.
// Runtime loop and variables: AWS docs, "Using the Lambda runtime API for custom runtimes", "Using Lambda environment
// variables"; the context: "Using the Lambda context object to retrieve Node.js function information".
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const base = '/2018-06-01/runtime/invocation';
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, target, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host, port, method, path: target, agent }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

async function load() {
  const { LAMBDA_TASK_ROOT: root, _HANDLER: name } = process.env;
  const dot = name.lastIndexOf('.');
  const candidates = ['.js', '.mjs', '.cjs'].map((ending) => path.resolve(root, name.slice(0, dot) + ending));
  const loaded = await import(pathToFileURL(candidates.find((file) => fs.existsSync(file))));
  return loaded[name.slice(dot + 1)];
}

function contextFrom(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

async function serve() {
  const handler = await load();
  for (;;) {
    const invocation = await call('GET', `${base}/next`);
    const context = contextFrom(invocation.headers);
    const answer = await handler(JSON.parse(invocation.body || '{}'), context);
    await call('POST', `${base}/${context.awsRequestId}/response`, JSON.stringify(answer));
  }
}

serve();
