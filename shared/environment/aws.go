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

// The tries of one call. They are pinned here because the SDK's defaults change: the one
// of 2025 waits about 1 s after a single dropped connection, the one of 2026 25 ms
// (aws-sdk-go-v2 issue 3416).
const (
	attempts     = 4
	backoffBase  = 25 * time.Millisecond
	backoffLimit = time.Second
)

// attemptTimeout bounds one HTTP exchange. DynamoDB answers in milliseconds; a full page
// may take some hundred.
const attemptTimeout = 5 * time.Second

// AWS is the settings of every client of AWS's services. All but Endpoint are set by
// Lambda.
type AWS struct {
	Region  string `env:"AWS_REGION,required"`
	Key     string `env:"AWS_ACCESS_KEY_ID,required"`
	Secret  string `env:"AWS_SECRET_ACCESS_KEY,required"`
	Session string `env:"AWS_SESSION_TOKEN"`
	// Endpoint is the address of all services; empty is each service's own. A service's
	// own variable, such as AWS_ENDPOINT_URL_DYNAMODB, goes before it, as in AWS's SDKs.
	Endpoint string `env:"AWS_ENDPOINT_URL"`
}

// Config is what the SDK makes a client of. It is made by hand because LoadDefaultConfig
// costs 2 MB of binary and more than a millisecond of every cold start.
func (a AWS) Config() aws.Config {
	credentials := aws.Credentials{
		AccessKeyID: a.Key, SecretAccessKey: a.Secret, SessionToken: a.Session,
	}
	config := aws.Config{
		Region: a.Region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials, nil
		}),
	}
	if a.Endpoint != "" {
		config.BaseEndpoint = &a.Endpoint
	}
	return config
}

// Transport makes the connections of one client to a service of AWS. It closes idle ones
// before the service does: DynamoDB does so before the 90 s that the SDK keeps them.
func Transport() *http.Transport {
	dialer := &net.Dialer{Timeout: 2 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: 2 * time.Second,
		IdleConnTimeout:     30 * time.Second,
		MaxIdleConns:        64,
		MaxIdleConnsPerHost: 64,
	}
}

// HTTPClient makes bounded tries over transport. It follows no redirect: that of a signed
// call is no answer of AWS's, and would come back as the success of a GET.
func HTTPClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       attemptTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     transport,
	}
}

// Retryer makes a call again after an error that the SDK takes for one that passes, and
// after those with one of codes.
func Retryer(codes ...string) aws.Retryer {
	return retry.NewStandard(func(r *retry.StandardOptions) {
		r.MaxAttempts = attempts
		r.Backoff = retry.BackoffDelayerFunc(func(attempt int, _ error) (time.Duration, error) {
			return Backoff(attempt), nil
		})
		r.RateLimiter = ratelimit.None // each call bounds its own tries
		more := map[string]struct{}{}
		for _, code := range codes {
			more[code] = struct{}{}
		}
		r.Retryables = append(r.Retryables, retry.RetryableErrorCode{Codes: more})
	})
}

// Backoff is how long to wait before the given attempt: any time up to backoffBase
// doubled attempt times, by chance (exponential backoff with full jitter).
func Backoff(attempt int) time.Duration {
	limit := backoffLimit
	if attempt < 6 {
		limit = min(backoffLimit, backoffBase<<attempt)
	}
	return rand.N(limit) + time.Millisecond
}
