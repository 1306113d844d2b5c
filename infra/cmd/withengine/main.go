// Command withengine runs a command with a DynamoDB of its own, the engine that ENGINE
// names (dynoxide by default), and exits with its code. When DYNAMODB_ENDPOINT is set
// already it only runs the command.
//
//	go run ./infra/cmd/withengine go test ./...
package main

import (
	"fmt"
	"os"

	"customercare/infra/local/engine"
)

func main() {
	code, err := engine.RunWith(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
