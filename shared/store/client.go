// Package store is every DynamoDB call of the functions: plain SDK calls, one file per kind of item, each
// invariant a condition expression in the open. It knows nothing of HTTP.
package store

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
)

// Connect makes the client from the variables that Lambda sets.
func Connect() *dynamodb.Client {
	var own struct {
		Endpoint string `env:"AWS_ENDPOINT_URL_DYNAMODB"` // empty: AWS_ENDPOINT_URL, else the service's own address
	}
	environment.Load(&own)
	return dynamodb.NewFromConfig(environment.AWS(), Options, func(o *dynamodb.Options) {
		if own.Endpoint != "" {
			o.BaseEndpoint = aws.String(own.Endpoint)
		}
	})
}

// Options is how every client of this project talks to DynamoDB.
func Options(o *dynamodb.Options) {
	client := environment.HTTPClient()
	client.Transport = checkedAnswers{client.Transport}
	o.HTTPClient = client
	// Someone else's transaction holds the item for a moment; the SDK would give up at once.
	o.Retryer = environment.Retryer("TransactionConflictException")
}

// Wait pauses before a call is made again because of err, or because DynamoDB left a part of
// it undone (nil). It lasts as long as the client's own pause before that attempt, so that one
// rule decides for both. It reports false when ctx ends first.
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
