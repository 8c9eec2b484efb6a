"""A function as a user of Sentry's Python SDK writes it, run by AWS's own runtime client (awslambdaric).

Environment: SENTRY_DSN. Event: {"order": n, "work_ms": n, "meet": n invokes that run at the same time,
"late": bool for an error behind the work too, "then": "hang", "raise", or "exit" with "status", instead of
an answer}. Each error carries the order as a tag.
"""

import os
import pathlib
import time

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration

sentry_sdk.init(
    dsn=os.environ["SENTRY_DSN"],
    integrations=[AwsLambdaIntegration()],
    # Repeated errors are the point here.
    disabled_integrations=[DedupeIntegration],
)


def capture(text):
    """An error."""
    try:
        raise RuntimeError(text)
    except RuntimeError as error:
        sentry_sdk.capture_exception(error)


def meet(order, count):
    """Returns when so many have come: they run in processes of their own, with one /tmp."""
    place = pathlib.Path("/tmp/meeting")
    place.mkdir(exist_ok=True)
    (place / str(order)).touch()
    while len(list(place.iterdir())) < count:
        time.sleep(0.01)


def handle(event, _):
    """Captures an error, works a while, then ends as it is told to."""
    sentry_sdk.set_tag("order", event["order"])
    capture("order failed")
    time.sleep(event.get("work_ms", 0) / 1000)
    if "meet" in event:
        meet(event["order"], event["meet"])
    if event.get("late"):
        capture("and its invoice too")
    # The SDK's integration flushes before each answer, but knows nothing of Managed Instances' client.
    sentry_sdk.flush()
    then = event.get("then")
    if then == "hang":
        time.sleep(3600)
    if then == "raise":
        raise ValueError("order refused")
    if then == "exit":
        os._exit(event["status"])
    return {"done": event["order"]}
