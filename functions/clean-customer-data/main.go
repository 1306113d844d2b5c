// Command clean-customer-data is operation 4: erase the personal data of up to 1000 customer numbers.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/erasure"
	"customercare/shared/secret"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		Erasures   string `env:"ERASURES_TABLE,required,notEmpty"`
		DigestKeys secret.DigestKeys
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	intake := erasure.NewNumbersIntake(
		store.Erasures{DB: db, Table: settings.Erasures}, settings.DigestKeys.Digester(), time.Now)
	connected()
	lambda.Start(endpoint(intake).Handler())
}
