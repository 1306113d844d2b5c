package store

import (
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
