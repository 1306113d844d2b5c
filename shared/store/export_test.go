package store

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
)

// ConnectForTest is Connect without its bounds of time, to a server whose certificate is
// among roots.
func ConnectForTest(s Settings, roots *x509.CertPool) (db *dynamodb.Client, ready func()) {
	transport := environment.Transport()
	transport.TLSClientConfig, transport.TLSHandshakeTimeout = &tls.Config{RootCAs: roots}, time.Hour
	return connect(s, transport, time.Hour, time.Hour)
}

// ClientForTest is Connect's client, which makes no connection ahead.
func ClientForTest(s Settings) *dynamodb.Client {
	db, _ := connect(s, environment.Transport(), 0, 0)
	return db
}

// SweepTempAllows sweeps one segment of total from its start to its end, one user after
// the other.
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
