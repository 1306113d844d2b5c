// Command authorize-app lets apps in to operation 4: a Bearer token.
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
		Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	directory := principal.Directory{
		Principals: store.Principals{DB: db, Table: settings.Principals},
		Now:        time.Now,
	}
	connected()
	lambda.Start(authorizer{directory}.authorize)
}
