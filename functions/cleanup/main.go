// Command cleanup runs every minute: it takes up open erasures that nobody holds, and makes their second passes.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		erasure.Worker
		Open string `env:"OPEN_ERASURES_INDEX,required,notEmpty"`
	}
	environment.Load(&settings)
	engine := settings.Engine(store.Connect())
	engine.Ledger.Index = settings.Open
	lambda.Start(cleaner{engine}.handle)
}
