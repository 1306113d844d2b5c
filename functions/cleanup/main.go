// Command cleanup runs every minute: it resumes open erasures that nobody holds, makes
// their second passes, goes on with holds, and sweeps expired temporary allows out.
package main

import (
	"customercare/shared/erasure"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store    store.Settings
	Erasure  erasure.WorkerSettings
	Open     string `env:"OPEN_ERASURES_INDEX,required,notEmpty"`
	Standing string `env:"STANDING_HOLDS_INDEX,required,notEmpty"`
	Users    string `env:"USERS_TABLE,required,notEmpty"`
	Rules    string `env:"RULES_TABLE,required,notEmpty"`
	Segments uint16 `env:"ALLOW_SWEEP_MINUTES,required"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := &handler{
		worker:   s.Erasure.Worker(db),
		openJobs: s.Open,
		holder:   s.Erasure.Holder(db),
		standing: s.Standing,
		users:    store.Users{DB: db, Table: s.Users},
		rules:    store.Rules{DB: db, Table: s.Rules},
		segments: max(1, int32(s.Segments)),
		skew:     s.Erasure.ClockSkew,
		clock:    erasure.SystemClock(),
	}
	connected()
	return h.handle, nil
}
