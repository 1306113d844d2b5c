package environment

import (
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
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

// AWS is the region and the credentials that Lambda sets, and another address than the
// services' own where one is set, for the client of any service. It builds aws.Config itself:
// LoadDefaultConfig costs 2 MB of binary and more than a millisecond of every cold start.
// What is missing ends the process, as with Load.
func AWS() aws.Config {
	var lambda struct {
		Region  string `env:"AWS_REGION,required"`
		Key     string `env:"AWS_ACCESS_KEY_ID,required"`
		Secret  string `env:"AWS_SECRET_ACCESS_KEY,required"`
		Session string `env:"AWS_SESSION_TOKEN"`
		// Empty: each service's own address. A service's own variable, such as
		// AWS_ENDPOINT_URL_DYNAMODB, goes before it, as in AWS's SDKs.
		Endpoint string `env:"AWS_ENDPOINT_URL"`
	}
	Load(&lambda)
	credentials := aws.Credentials{AccessKeyID: lambda.Key, SecretAccessKey: lambda.Secret, SessionToken: lambda.Session}
	config := aws.Config{
		Region: lambda.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
	}
	if lambda.Endpoint != "" {
		config.BaseEndpoint = &lambda.Endpoint
	}
	return config
}

// HTTPClient makes bounded attempts, over connections that it gives up before the service closes them.
func HTTPClient() *http.Client {
	return &http.Client{
		Timeout: attemptTimeout,
		// A redirect of a signed call is no answer of AWS's; followed, it would come back as a GET's success.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 2 * time.Second,
			IdleConnTimeout:     30 * time.Second, // DynamoDB closes idle connections before the SDK's 90 s
			MaxIdleConns:        64,
			MaxIdleConnsPerHost: 64,
		},
	}
}

// Retryer tries a call again after what the SDK takes for passing, and after these codes of errors.
func Retryer(codes ...string) aws.Retryer {
	return retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = attempts
		r.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return Backoff(attempt), nil
		})
		r.RateLimiter = ratelimit.None // each call bounds its own attempts
		more := map[string]struct{}{}
		for _, code := range codes {
			more[code] = struct{}{}
		}
		r.Retryables = append(r.Retryables, retry.RetryableErrorCode{Codes: more})
	})
}

// Backoff is how long to wait before the given attempt, exponential with full jitter: anything up to backoffBase doubled
// attempt times.
func Backoff(attempt int) time.Duration {
	limit := backoffLimit
	if attempt < 6 {
		limit = min(backoffLimit, backoffBase<<attempt)
	}
	return rand.N(limit) + time.Millisecond
}
