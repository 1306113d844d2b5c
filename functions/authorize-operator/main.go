// Command authorize-operator lets operators in to operations 1 and 2: HTTP Basic.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/principal"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		principal.Limits
		Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	directory := principal.Directory{
		Principals: store.Principals{DB: db, Table: settings.Principals},
		Guard:      principal.Guard(settings.Limits),
		Now:        time.Now,
	}
	connected()
	lambda.Start(authorizer{directory}.authorize)
}
