// Command clean-customer-data is operation 4: it takes on the erasure of the personal data of
// up to 1000 customer numbers.
package main

import (
	"time"

	"customercare/shared/erasure"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Erasures   string `env:"ERASURES_TABLE,required,notEmpty"`
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	engine := erasure.Engine{
		Ledger:  store.Erasures{DB: db, Table: s.Erasures},
		Digests: erasure.Digester{Current: keys.Current, Keys: keys.ByID, More: &erasure.MoreKeys{Read: keys.Again, Now: time.Now}},
		Now:     time.Now,
	}
	connected()
	return handler{engine}.endpoint().Handler(), nil
}
