// Package store is every DynamoDB call of the functions: plain SDK calls, one file per kind of item, each
// invariant a condition expression in the open. It knows nothing of HTTP.
package store

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
)

// Retries of one call, pinned here rather than left to the SDK's changing defaults: the 2025 default waits about
// 1 s after a single dropped connection, the 2026 one 25 ms (aws-sdk-go-v2 issue 3416).
const (
	attempts     = 4
	backoffBase  = 25 * time.Millisecond
	backoffLimit = time.Second
)

// attemptTimeout bounds one HTTP exchange. DynamoDB answers in milliseconds; a full page may take some hundred.
const attemptTimeout = 5 * time.Second

// Connect makes the client from the variables that Lambda sets. It builds aws.Config itself: LoadDefaultConfig costs
// 2 MB of binary and more than a millisecond of every cold start.
func Connect() *dynamodb.Client {
	var lambda struct {
		Region   string `env:"AWS_REGION,required"`
		Key      string `env:"AWS_ACCESS_KEY_ID,required"`
		Secret   string `env:"AWS_SECRET_ACCESS_KEY,required"`
		Session  string `env:"AWS_SESSION_TOKEN"`
		Endpoint string `env:"AWS_ENDPOINT_URL_DYNAMODB"`
	}
	environment.Load(&lambda)
	credentials := aws.Credentials{AccessKeyID: lambda.Key, SecretAccessKey: lambda.Secret, SessionToken: lambda.Session}
	config := aws.Config{
		Region: lambda.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
	}
	return dynamodb.NewFromConfig(config, Options, func(o *dynamodb.Options) {
		if lambda.Endpoint != "" {
			o.BaseEndpoint = aws.String(lambda.Endpoint)
		}
	})
}

// Options is how every client of this project talks to DynamoDB: pinned retries, bounded attempts, and connections
// given up before DynamoDB closes them.
func Options(o *dynamodb.Options) {
	o.HTTPClient = &http.Client{
		Timeout: attemptTimeout,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 2 * time.Second,
			IdleConnTimeout:     30 * time.Second, // DynamoDB closes idle connections before the SDK's 90 s
			MaxIdleConns:        64,
			MaxIdleConnsPerHost: 64,
		},
	}
	o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = attempts
		r.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return jitter(attempt), nil
		})
		r.RateLimiter = ratelimit.None // each call bounds its own attempts
		// Someone else's transaction holds the item for a moment; the SDK would give up at once.
		r.Retryables = append(r.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"TransactionConflictException": {}}})
	})
}

// jitter is exponential backoff with full jitter: anything up to backoffBase doubled attempt times.
func jitter(attempt int) time.Duration {
	limit := backoffLimit
	if attempt < 6 {
		limit = min(backoffLimit, backoffBase<<attempt)
	}
	return rand.N(limit) + time.Millisecond
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
