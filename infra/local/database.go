package local

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"

	"customercare/infra/local/engine"
)

// database is the DynamoDB that the stack works on.
type database struct {
	endpoint string
	ended    <-chan struct{} // closed when it has ended; nil for one that is not ours
	server   *engine.Server  // nil for one that is not ours
}

// openDatabase starts a DynamoDB, unless the settings name one that runs already. It ends
// with close.
func openDatabase(ctx context.Context, s settings, cache string) (database, error) {
	if s.Endpoint.text != "" {
		if err := answers(ctx, s.Endpoint.text); err != nil {
			return database{}, err
		}
		return database{endpoint: s.Endpoint.text}, nil
	}
	server, err := engine.Start(ctx, engine.Options{
		CacheDir: cache, Port: int(s.DynamoDBPort), DataDir: s.DataDir,
	})
	if err != nil {
		return database{}, err
	}
	return database{endpoint: server.Endpoint, ended: server.Done(), server: server}, nil
}

// answers finds out whether anything listens at endpoint, before an SDK says it in its
// own words.
func answers(ctx context.Context, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return err
	}
	port := u.Port()
	if port == "" {
		port = u.Scheme // net knows the ports of http and https
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	connection, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		return fmt.Errorf("nothing answers at %s: start a DynamoDB there, or unset DYNAMODB_ENDPOINT", u.Host)
	}
	return connection.Close()
}

func (d database) close() {
	if d.server != nil {
		d.server.Close()
	}
}
