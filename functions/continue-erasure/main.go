// Command continue-erasure works on erasures that were handed on; the ledger's stream starts it.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func main() {
	var settings erasure.WorkerSettings
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	handle := handler{settings.Worker(db)}.handle
	connected()
	lambda.Start(handle)
}
