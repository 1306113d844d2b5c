// Package canned runs functions without a network: a database that answers in the
// process, so that a test can count what one request allocates, or send very many.
package canned

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
	"customercare/shared/store"
)

// Database answers a call of DynamoDB's, such as "GetItem", with the body of the answer.
// One with a member "__type" is a refusal. With an error no answer comes back at all.
type Database func(action string, body io.Reader) (answer string, err error)

// Client is a client with the options of the functions' own whose calls db answers, which
// is a Database or stands in front of one. What net/http allocates, and store's check of
// whole answers, is left out.
func Client(db http.RoundTripper) *dynamodb.Client {
	aws := environment.AWS{
		Region: "us-east-1", Key: "AKIAIOSFODNN7EXAMPLE", Secret: "made-up", Session: "made-up",
	}
	return dynamodb.NewFromConfig(aws.Config(), store.Options, func(o *dynamodb.Options) {
		o.HTTPClient = &http.Client{Transport: db}
	})
}

func (db Database) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err // nobody waits for it any more
	}
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	answer, err := db(action, r.Body)
	if err != nil {
		return nil, err
	}
	status := http.StatusOK
	if strings.Contains(answer, `"__type"`) {
		status = http.StatusBadRequest
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body:   io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}

// Answers answers each call with the next of the answers for its action, from the first
// again behind the last. A call without one fails the test.
func Answers(t testing.TB, answers map[string][]string) Database {
	var mu sync.Mutex
	given := map[string]int{}
	return func(action string, body io.Reader) (string, error) {
		if _, err := io.Copy(io.Discard, body); err != nil {
			return "", err
		}
		mu.Lock()
		defer mu.Unlock()
		all := answers[action]
		if len(all) == 0 {
			t.Errorf("no answer to %s is canned", action)
			return "", fmt.Errorf("no answer to %s", action)
		}
		given[action]++
		return all[(given[action]-1)%len(all)], nil
	}
}

// Invocation is a context as Lambda's runtime gives one, but for the deadline.
func Invocation(t *testing.T) context.Context {
	return lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{
		AwsRequestID: "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
	})
}

// Allocations fails the test when one of runs calls, on average, allocates more often
// than most, in each of five tries: on a busy machine the garbage collector empties pools
// now and then, and filling one again allocates. The log is written as ever, to nowhere.
// Under the race detector, which allocates by itself, the test is skipped.
func Allocations(t *testing.T, runs int, most float64, call func()) {
	t.Helper()
	race := debug.BuildSetting{Key: "-race", Value: "true"}
	if build, ok := debug.ReadBuildInfo(); ok && slices.Contains(build.Settings, race) {
		t.Skip("the race detector allocates by itself")
	}
	before := slog.Default()
	defer slog.SetDefault(before)
	slog.SetDefault(slog.New(slog.NewJSONHandler(io.Discard, nil)))
	var got float64
	for range 5 {
		got = testing.AllocsPerRun(runs, call) // one more than runs: what is made once is not counted
		if got <= most {
			break
		}
	}
	t.Logf("%.0f allocations, at most %.0f", got, most)
	if got > most {
		t.Errorf("%.0f allocations, at most %.0f are expected", got, most)
	}
}
