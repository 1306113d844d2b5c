// Package database connects a floor to DynamoDB as the functions connect.
package database

import (
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/shared/environment"
	"customercare/shared/store"
)

// Connect makes the client, and ends the program where the environment is not complete.
func Connect() *dynamodb.Client {
	var settings store.Settings
	if err := environment.Read(&settings); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	db, connected := store.Connect(settings)
	connected()
	return db
}
