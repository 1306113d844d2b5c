package local

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"customercare/infra/local/engine"
)

// openDatabase starts a DynamoDB, unless the settings name one that runs already: then
// server is nil.
func openDatabase(ctx context.Context, s settings) (endpoint string, server *engine.Server, err error) {
	if s.Endpoint != nil {
		return s.Endpoint.String(), nil, answers(ctx, s.Endpoint)
	}
	server, err = engine.Start(ctx, engine.Options{Port: int(s.DynamoDBPort), DataDir: s.DataDir})
	if err != nil {
		return "", nil, err
	}
	return server.Endpoint, server, nil
}

// answers finds out whether anything listens at endpoint, before an SDK says it in its
// own words.
func answers(ctx context.Context, endpoint *url.URL) error {
	port := cmp.Or(endpoint.Port(), endpoint.Scheme) // net knows the ports of http and https
	dialer := net.Dialer{Timeout: 5 * time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(endpoint.Hostname(), port))
	if err != nil {
		return fmt.Errorf("nothing answers at %s: start a DynamoDB there, or unset DYNAMODB_ENDPOINT", endpoint.Host)
	}
	return connection.Close()
}
