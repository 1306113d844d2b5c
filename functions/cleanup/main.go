// Command cleanup runs every minute: it takes up open erasures that nobody holds, makes their second passes, and sweeps
// expired temporary allows out.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"customercare/shared/environment"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

func main() {
	var settings struct {
		erasure.WorkerSettings
		Open     string `env:"OPEN_ERASURES_INDEX,required,notEmpty"`
		Users    string `env:"USERS_TABLE,required,notEmpty"`
		Segments uint16 `env:"ALLOW_SWEEP_MINUTES,required"`
	}
	environment.Load(&settings)
	db := store.Connect()
	connected := store.Reach(db)
	c := &cleaner{
		worker:   settings.Worker(db),
		openJobs: settings.Open,
		users:    store.Users{DB: db, Table: settings.Users},
		segments: max(1, int32(settings.Segments)),
		skew:     settings.ClockSkew,
		clock:    erasure.SystemClock(),
	}
	connected()
	lambda.Start(c.handle)
}
