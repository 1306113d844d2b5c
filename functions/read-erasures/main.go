// Command read-erasures answers those who ask what became of an erasure, and gives them
// receipts of what the sealed log says of it. It changes nothing but the counts of failed
// attempts to log in.
package main

import (
	"time"

	"customercare/shared/caller"
	"customercare/shared/principal"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Guard      principal.Guard
	Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Erasures   string `env:"ERASURES_TABLE,required,notEmpty"`
	Index      string `env:"UNLOGGED_INDEX,required,notEmpty"`
	Log        string `env:"LOG_TABLE,required,notEmpty"`
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	principals := store.Principals{DB: db, Table: s.Principals}
	h := handler{
		door: caller.Door{
			Directory: principal.Directory{Principals: principals, Guard: s.Guard, Now: time.Now},
			Tokens:    principal.Tokens{Principals: principals, Now: time.Now},
		},
		ledger: store.Erasures{DB: db, Table: s.Erasures},
		index:  s.Index,
		log:    store.Log{DB: db, Table: s.Log},
		keys:   &keys{read: s.DigestKeys.Reader(s.Store.AWS.Config()), now: time.Now},
	}
	connected()
	return h.endpoint().Handler(), nil
}
