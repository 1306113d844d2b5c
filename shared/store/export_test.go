package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// TrustForTest makes the client trust a test's server, and wait for it on a slow machine.
func TrustForTest(db *dynamodb.Client, roots *x509.CertPool) {
	transport, _ := transportOf(db.Options())
	transport.TLSClientConfig, transport.TLSHandshakeTimeout = &tls.Config{RootCAs: roots}, time.Hour
}

// ReachForTest is Reach without its bounds of time.
func ReachForTest(db *dynamodb.Client) (wait func()) { return reach(db, time.Hour, time.Hour) }

// SweepTempAllows sweeps one segment of total from its start to its end, one user after the other.
func (u Users) SweepTempAllows(ctx context.Context, segment, total int32, now time.Time) (removed int, err error) {
	s := Segment{Number: segment, Total: total}
	for more := true; more; {
		var users []Expired
		if users, more, err = u.ReadExpired(ctx, &s, now); err != nil {
			return removed, err
		}
		for _, user := range users {
			n, err := u.RemoveExpired(ctx, user)
			removed += n
			if err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}
