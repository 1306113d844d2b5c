// Command issue-token is operation 5: a token for an app's key and secret.
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
		// TokenLifetime is how many seconds a token lives whose caller names no time.
		TokenLifetime lifetime `env:"TOKEN_LIFETIME,required"`
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
	lambda.Start(endpoint(directory, int(settings.TokenLifetime)).Handler())
}
