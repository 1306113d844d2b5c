// Command set-temporary-allow is operation 2: it gives a user a temporary allow of one type, in place of any other of
// that type.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		Users    string   `env:"USERS_TABLE,required,notEmpty"`
		Types    types    `env:"TEMP_ALLOW_TYPES,required,notEmpty"`
		MaxAhead lifetime `env:"TEMP_ALLOW_MAX_AHEAD,required,notEmpty"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	allows := allows{
		users: store.Users{DB: db, Table: settings.Users},
		rules: rules{types: settings.Types, maxAhead: time.Duration(settings.MaxAhead)},
		now:   time.Now,
	}
	connected()
	lambda.Start(allows.endpoint().Handler())
}
