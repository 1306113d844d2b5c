// Command hello-reader is a hello with the client of DynamoDB, and with that of Secrets
// Manager, which reads nothing before a call asks for it.
package main

import (
	"context"

	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

type settings struct {
	Store      store.Settings
	DigestKeys secret.DigestKeys
}

func main() {
	start.Function(func(s settings) (any, error) {
		_, connected := store.Connect(s.Store)
		read := s.DigestKeys.Reader(s.Store.AWS.Config())
		connected()
		return func(ctx context.Context) error { _, err := read(ctx); return err }, nil
	})
}
