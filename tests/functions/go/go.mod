module thaw/tests/functions/go

go 1.26

require (
	github.com/aws/aws-lambda-go v1.55.1
	github.com/getsentry/sentry-go v0.50.0
)

require (
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)
