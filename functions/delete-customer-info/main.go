// Command delete-customer-info is operation 1: it cancels a user's temporary allows, unregisters the user's devices or
// resets the user's profile.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		Users string `env:"USERS_TABLE,required,notEmpty"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	handler := endpoint(store.Users{DB: db, Table: settings.Users}).Handler()
	connected()
	lambda.Start(handler)
}
