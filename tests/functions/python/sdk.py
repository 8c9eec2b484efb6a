"""The SDK matrix's function in Python: sentry-sdk with its AwsLambdaIntegration, run by AWS's own awslambdaric.

Environment, event and answer: tests/system/sdk_functions.py.
"""

import base64
import os

import sentry_sdk
from sentry_sdk.crons import capture_checkin
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration

BALLAST = 30_000  # random bytes, four times: more than 64 KB however they are compressed

sentry_sdk.init(
    dsn=os.environ["SENTRY_DSN"],
    integrations=[AwsLambdaIntegration()],
    # Repeated errors are the point here.
    disabled_integrations=[DedupeIntegration],
    traces_sample_rate=1.0,
    enable_logs=True,
    transport_queue_size=200,
)


def error(marker):
    """An exception."""
    try:
        raise RuntimeError(marker)
    except RuntimeError as failure:
        sentry_sdk.capture_exception(failure)


def transaction(marker):
    """Three spans in it."""
    with sentry_sdk.start_transaction(name=marker, op="task"):
        for number in range(3):
            with sentry_sdk.start_span(op="step", name=f"step {number}"):
                pass


def logs(marker):
    """Structured ones."""
    for number in range(3):
        sentry_sdk.logger.info(f"{marker}-{number}")


def check_in(marker):
    """A monitor's begin and end."""
    started = capture_checkin(monitor_slug=marker, status="in_progress")
    capture_checkin(monitor_slug=marker, check_in_id=started, status="ok")


def session(marker):
    """A session of a user of this name."""
    with sentry_sdk.isolation_scope() as scope:
        scope.set_user({"id": marker})
        scope.start_session(session_mode="application")
        scope.end_session()


def attachment(marker):
    """An error with a file."""
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=f"the order {marker}".encode(), filename="order.txt")
        error(marker)


def large(marker):
    """An error with much that does not compress."""
    with sentry_sdk.new_scope() as scope:
        for number in range(4):
            scope.set_extra(f"ballast {number}", base64.b64encode(os.urandom(BALLAST)).decode())
        error(marker)


CASES = {"error": error, "limited": error, "transaction": transaction, "logs": logs, "check_in": check_in,
         "session": session, "attachment": attachment, "large": large}


def handle(event, _):
    """One case."""
    if event["case"] == "burst":
        sent = [f"{event['marker']}-{number}" for number in range(event["count"])]
        for marker in sent:
            error(marker)
    else:
        sent = [event["marker"]]
        CASES[event["case"]](event["marker"])
    sentry_sdk.flush(timeout=5)
    return {"sent": sent}
