package store

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// TrustForTest makes the client trust a test's server.
func TrustForTest(db *dynamodb.Client, roots *x509.CertPool) {
	transport, _ := transportOf(db.Options())
	transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}
