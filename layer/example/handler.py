"""A function with an error, and nothing in it about Thaw: the SDK reads SENTRY_DSN."""

import sentry_sdk
from sentry_sdk.integrations.aws_lambda import AwsLambdaIntegration

sentry_sdk.init(integrations=[AwsLambdaIntegration()])


def handle(event, _):
    """Divides; an event without a divisor is the error."""
    return {"quotient": 42 / event.get("divisor", 0)}
