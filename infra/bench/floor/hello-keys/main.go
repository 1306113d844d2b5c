// Command hello-keys is a hello with the client of DynamoDB, and with the keys of the
// digests, which are read before the first question for work.
package main

import (
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
		_, err := s.DigestKeys.Read(s.Store.AWS.Config())
		connected()
		return func() error { return nil }, err
	})
}
