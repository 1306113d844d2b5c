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
	client.Transport = wary{client.Transport}
	o.HTTPClient = client
	// Someone else's transaction holds the item for a moment; the SDK would give up at once.
	o.Retryer = environment.Retryer("TransactionConflictException")
}

// pause waits for d, or less when ctx ends first; it reports whether all of d passed.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
