package main

import (
	"context"

	"customercare/infra/engine"
)

// database is the DynamoDB that the stack works on.
type database struct {
	endpoint string
	ended    <-chan struct{} // closed when it ended by itself; nil for one that is not ours
	server   *engine.Server
}

// openDatabase starts a DynamoDB, unless the settings name one that runs already. It ends
// with close.
func openDatabase(ctx context.Context, s settings, cache string) (database, error) {
	if s.Endpoint.text != "" {
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

func (d database) close() {
	if d.server != nil {
		d.server.Close()
	}
}
