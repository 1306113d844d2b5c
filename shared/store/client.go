// Package store is every DynamoDB call of the functions: plain SDK calls, each invariant
// a condition expression in the open. It knows nothing of HTTP.
//
// The files about one kind of items begin with its name: users, customers, contacts,
// erasures (and job), principals, failures.
package store

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
)

// Settings is what every function that calls DynamoDB has in its environment.
type Settings struct {
	AWS environment.AWS
	// Endpoint is DynamoDB's address; empty is AWS's Endpoint, and without that its own.
	Endpoint string `env:"AWS_ENDPOINT_URL_DYNAMODB"`
}

// Connect makes the client, and begins to make the connection that its first call will
// use. The caller makes meanwhile all else that a start has to make, and then calls
// ready, which waits for the connection, for reachIn at most. It is no error where
// DynamoDB cannot be reached: the first call dials again.
func Connect(settings Settings) (db *dynamodb.Client, ready func()) {
	return connect(settings, environment.Transport(), reachIn, reachFor)
}

// connect is Connect over transport; within bounds the wait for the first connection, and
// lasting is how long that one is good for.
func connect(s Settings, transport *http.Transport, within, lasting time.Duration) (*dynamodb.Client, func()) {
	ahead := &early{lasting: lasting}
	dial := ahead.wrap(transport)
	db := dynamodb.NewFromConfig(s.AWS.Config(), over(transport), func(o *dynamodb.Options) {
		if s.Endpoint != "" {
			o.BaseEndpoint = &s.Endpoint
		}
	})
	return db, ahead.reach(db.Options(), dial, within)
}

// Options is how every client of this project talks to DynamoDB.
func Options(o *dynamodb.Options) { over(environment.Transport())(o) }

// over is Options for a client over transport.
func over(transport *http.Transport) func(*dynamodb.Options) {
	return func(o *dynamodb.Options) {
		o.HTTPClient = environment.HTTPClient(checkedAnswers{transport})
		// Someone else's transaction holds the item for a moment; the SDK would give up
		// at once.
		o.Retryer = environment.Retryer("TransactionConflictException")
	}
}

// Wait pauses before a call is made again because of err, or because DynamoDB left a part
// of it undone (nil). It lasts as long as the client's own pause before that attempt, so
// that one rule decides for both. It reports false when ctx ends first.
func Wait(ctx context.Context, db *dynamodb.Client, attempt int, err error) bool {
	d, err := db.Options().Retryer.RetryDelay(attempt, err)
	if err != nil {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
