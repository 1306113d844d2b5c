// Command cleanup runs every minute: it takes up open erasures that nobody holds, makes their second passes, and sweeps
// expired temporary allows out.
package main

import (
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		erasure.Settings
		Open     string `env:"OPEN_ERASURES_INDEX,required,notEmpty"`
		Users    string `env:"USERS_TABLE,required,notEmpty"`
		Segments uint16 `env:"ALLOW_SWEEP_MINUTES,required"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	engine := settings.Engine(db)
	engine.Ledger.Index = settings.Open
	users := store.Users{DB: db, Table: settings.Users}
	connected()
	c := &cleaner{engine: engine, users: users, segments: max(1, int32(settings.Segments)), now: time.Now}
	lambda.Start(c.handle)
}
