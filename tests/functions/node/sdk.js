// The SDK matrix's function in Node, with the package that SDK names: @sentry/node, or @sentry/aws-serverless, whose
// wrapper then goes around the handler. Environment, event and answer: tests/system/sdk_functions.py; TUNNEL is a URL.
'use strict';

const { randomBytes } = require('node:crypto');
const Sentry = require(process.env.SDK);

const ballast = 30000; // random bytes, four times: more than 64 KB however they are compressed

Sentry.init({
  dsn: process.env.SENTRY_DSN,
  tunnel: process.env.TUNNEL,
  tracesSampleRate: 1.0,
  enableLogs: true,
  transportOptions: { bufferSize: 200 },
  // Repeated errors are the point here.
  integrations: (defaults) => defaults.filter((integration) => integration.name !== 'Dedupe'),
});

const error = (marker) => Sentry.captureException(new Error(marker));

const cases = {
  error,
  limited: error,
  transaction: (marker) =>
    Sentry.startSpan({ name: marker, op: 'task', forceTransaction: true }, () => {
      for (let number = 0; number < 3; number += 1) {
        Sentry.startSpan({ name: `step ${number}`, op: 'step' }, () => {});
      }
    }),
  logs: (marker) => {
    for (let number = 0; number < 3; number += 1) Sentry.logger.info(`${marker}-${number}`);
  },
  check_in: (marker) => {
    const checkInId = Sentry.captureCheckIn({ monitorSlug: marker, status: 'in_progress' });
    Sentry.captureCheckIn({ checkInId, monitorSlug: marker, status: 'ok' });
  },
  session: (marker) =>
    Sentry.withIsolationScope(() => {
      Sentry.setUser({ id: marker });
      Sentry.startSession();
      Sentry.endSession();
    }),
  attachment: (marker) =>
    Sentry.withScope((scope) => {
      scope.addAttachment({ filename: 'order.txt', data: `the order ${marker}` });
      error(marker);
    }),
  large: (marker) =>
    Sentry.withScope((scope) => {
      for (let number = 0; number < 4; number += 1) {
        scope.setExtra(`ballast ${number}`, randomBytes(ballast).toString('base64'));
      }
      error(marker);
    }),
};

async function handle(event) {
  let sent = [event.marker];
  if (event.case === 'burst') {
    sent = Array.from({ length: event.count }, (_, number) => `${event.marker}-${number}`);
    sent.forEach(error);
  } else {
    cases[event.case](event.marker);
  }
  await Sentry.flush(5000);
  return { sent };
}

exports.handler = Sentry.wrapHandler ? Sentry.wrapHandler(handle) : handle;
