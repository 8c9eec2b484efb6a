// The demo's function in Node, to be run by runtime.js: a handler with one captured error. Sentry's layer, preloaded as
// its documentation says, has initialised the SDK and flushes behind the handler; else this does the one, nobody the other.
// Environment: SENTRY_DSN, SENTRY_PACKAGE (@sentry/node, @sentry/aws-serverless). Event: {"work_ms": n before the error}.
// Answers {"sent": [event ids of this invoke], "handed_over": [[event id, epoch ms], ...]}: what the SDK has had a 200
// for until now, those of earlier invokes too.
'use strict';

const Sentry = require(process.env.SENTRY_PACKAGE);

if (!Sentry.isInitialized()) Sentry.init({ dsn: process.env.SENTRY_DSN });

let orders = 0;
const handedOver = [];
Sentry.getClient().on('afterSendEvent', (event, answer) => {
  if (answer.statusCode === 200) handedOver.push([event.event_id, Date.now()]);
});

exports.handler = async (event) => {
  await new Promise((resolve) => setTimeout(resolve, event.work_ms));
  orders += 1;
  const sent = [Sentry.captureException(new Error(`order ${orders} failed`))];
  // The list itself: what the flush behind this handler adds to it is in the answer, too.
  return { sent, handed_over: handedOver };
};
