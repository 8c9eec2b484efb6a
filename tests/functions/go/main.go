// A function with Sentry's Go SDK, run by AWS's own runtime client for Go.
//
// Environment, event and answer: tests/system/sdk_functions.py.
package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/getsentry/sentry-go"
)

const (
	patience = 5 * time.Second
	ballast  = 70_000 // bytes that do not compress
)

type order struct {
	Case   string `json:"case"`
	Marker string `json:"marker"`
	Count  int    `json:"count"`
}

type answer struct {
	Sent    []string `json:"sent"`
	Skipped string   `json:"skipped,omitempty"`
}

// A transaction and three steps of it, on a hub of its own: what follows is none of its business.
func transaction(ctx context.Context, name string) {
	ctx = sentry.SetHubOnContext(ctx, sentry.CurrentHub().Clone())
	whole := sentry.StartTransaction(ctx, name)
	for step := range 3 {
		whole.StartChild("step", sentry.WithDescription(fmt.Sprint("step ", step))).Finish()
	}
	whole.Finish()
}

func logs(ctx context.Context, marker string) []string {
	var sent []string
	logger := sentry.NewLogger(ctx)
	for number := range 3 {
		sent = append(sent, fmt.Sprint(marker, "-", number))
		logger.Info().Emit(sent[number])
	}
	return sent
}

func burst(marker string, count int) []string {
	var sent []string
	for number := range count {
		sent = append(sent, fmt.Sprint(marker, "-", number))
		sentry.CaptureException(errors.New(sent[number]))
	}
	return sent
}

// An error with more to it than its text.
func captureWith(marker string, change func(*sentry.Scope)) {
	sentry.WithScope(func(scope *sentry.Scope) {
		change(scope)
		sentry.CaptureException(errors.New(marker))
	})
}

func noise() string {
	bytes := make([]byte, ballast)
	rand.Read(bytes) // never fails
	return base64.StdEncoding.EncodeToString(bytes)
}

func handle(ctx context.Context, order order) (answer, error) {
	defer sentry.Flush(patience)
	sent := []string{order.Marker}
	switch order.Case {
	case "error", "limited":
		sentry.CaptureException(errors.New(order.Marker))
	case "transaction":
		transaction(ctx, order.Marker)
	case "logs":
		sent = logs(ctx, order.Marker)
	case "check_in":
		err := sentry.WithMonitor(order.Marker, nil, func() error { return nil })
		return answer{Sent: sent}, err
	case "attachment":
		captureWith(order.Marker, func(scope *sentry.Scope) {
			scope.AddAttachment(&sentry.Attachment{Filename: "order.txt", Payload: []byte(order.Marker)})
		})
	case "large":
		captureWith(order.Marker, func(scope *sentry.Scope) {
			scope.SetContext("order", sentry.Context{"ballast": noise()})
		})
	case "burst":
		sent = burst(order.Marker, order.Count)
	default:
		return answer{Sent: []string{}, Skipped: "SDK has none"}, nil
	}
	return answer{Sent: sent}, nil
}

func main() {
	err := sentry.Init(sentry.ClientOptions{EnableTracing: true, TracesSampleRate: 1})
	if err != nil {
		panic(err)
	}
	lambda.Start(handle)
}
