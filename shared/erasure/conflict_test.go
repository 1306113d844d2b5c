package erasure

import (
	"encoding/hex"
	"io"
	"net/http"
	"strings"
	"testing"
)

// roundTrip is a transport.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// conflicting answers a transaction as DynamoDB does when another write is at its first
// item, while yes says so.
func conflicting(next http.RoundTripper, yes func() bool) http.RoundTripper {
	const answer = `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",` +
		`"message":"Transaction cancelled","CancellationReasons":[{"Code":"TransactionConflict"},{"Code":"None"}]}`
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") || !yes() {
			return next.RoundTrip(r)
		}
		return &http.Response{
			StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
			Body: io.NopCloser(strings.NewReader(answer)), Request: r,
		}, nil
	})
}

// unhex is the bytes of hexadecimal digits.
func unhex(t testing.TB, digits string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
