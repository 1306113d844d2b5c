// Command seal-ledger runs every minute: it puts the statements of the ledger's records
// into the sealed log, signs the log's new checkpoint, and tells each record where its
// statements are.
package main

import (
	"time"

	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store    store.Settings
	KMS      kmsSettings
	Erasures string `env:"ERASURES_TABLE,required,notEmpty"`
	Unlogged string `env:"UNLOGGED_INDEX,required,notEmpty"`
	Log      string `env:"LOG_TABLE,required,notEmpty"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := &handler{
		ledger:   store.Erasures{DB: db, Table: s.Erasures},
		unlogged: s.Unlogged,
		log:      store.Log{DB: db, Table: s.Log},
		key:      s.KMS.key(s.Store.AWS.Config()),
		now:      time.Now,
	}
	connected()
	return h.handle, nil
}
