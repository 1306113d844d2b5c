// Command cleanup runs every minute: it takes up open erasures that nobody holds, makes their
// second passes, and sweeps expired temporary allows out.
package main

import (
	"time"

	"customercare/shared/erasure"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store    store.Settings
	Erasure  erasure.Settings
	Open     string `env:"OPEN_ERASURES_INDEX,required,notEmpty"`
	Users    string `env:"USERS_TABLE,required,notEmpty"`
	Segments uint16 `env:"ALLOW_SWEEP_MINUTES,required"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	engine := s.Erasure.Engine(db)
	engine.Ledger.Index = s.Open
	users := store.Users{DB: db, Table: s.Users}
	connected()
	c := &cleaner{engine: engine, users: users, segments: max(1, int32(s.Segments)), now: time.Now}
	return c.handle, nil
}
