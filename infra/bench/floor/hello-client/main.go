// Command hello-client is a hello with the client of DynamoDB that every function has,
// whose connection stands before the first question for work.
package main

import (
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() {
	start.Function(func(s store.Settings) (any, error) {
		_, connected := store.Connect(s)
		connected()
		return func() error { return nil }, nil
	})
}
