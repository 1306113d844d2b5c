// Package canned lets a function's handler run without a network, so that a test can count what one request allocates.
package canned

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/store"
)

// Client is a client with the options of the functions' own, whose every call is answered at once: with the next of the
// answers for its action, from the first again behind the last; a call without one fails the test. An answer that names a
// "__type" is a refusal. What net/http allocates,
// and store's check of whole answers, is not in what is counted.
func Client(t testing.TB, answers map[string][]string) *dynamodb.Client {
	config := aws.Config{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "made-up", SessionToken: "made-up"}, nil
		}),
	}
	return dynamodb.NewFromConfig(config, store.Options, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: &transport{t: t, answers: answers, given: map[string]int{}}}
	})
}

type transport struct {
	t       testing.TB
	answers map[string][]string
	mu      sync.Mutex
	given   map[string]int
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.answers[action]
	if len(all) == 0 {
		t.t.Errorf("no answer to %s is canned", action)
		return nil, errors.New("no answer")
	}
	body := all[t.given[action]%len(all)]
	t.given[action]++
	status := http.StatusOK
	if strings.Contains(body, `"__type"`) {
		status = http.StatusBadRequest
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

// Invocation is a context as Lambda's runtime gives one, but for the deadline.
func Invocation(t *testing.T) context.Context {
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd"})
}

// Allocations fails the test when one of runs calls, on average, allocates more often than most. The bounds are the highest
// of 20 measurements, because pools that the garbage collector empties make a difference of one or two now and then. The log
// is written as ever, to nowhere.
func Allocations(t *testing.T, runs int, most float64, call func()) {
	t.Helper()
	if race {
		t.Skip("the race detector allocates by itself")
	}
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	got := testing.AllocsPerRun(runs, call) // once more than runs, so that what is made once is not counted
	t.Logf("%.0f allocations, at most %.0f", got, most)
	if got > most {
		t.Errorf("%.0f allocations, at most %.0f are expected", got, most)
	}
}
