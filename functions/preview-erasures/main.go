// Command preview-erasures says what an erasure would find. Its role can read, and cannot
// delete: that nothing is erased by it is shown by its rights.
package main

import (
	"time"

	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
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
	Customers  string `env:"CUSTOMERS_TABLE,required,notEmpty"`
	Contacts   string `env:"CONTACTS_TABLE,required,notEmpty"`
	Holds      string `env:"HOLDS_TABLE,required,notEmpty"`
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	principals := store.Principals{DB: db, Table: s.Principals}
	h := handler{
		door: caller.Door{
			Directory: principal.Directory{Principals: principals, Guard: s.Guard, Now: time.Now},
			Tokens:    principal.Tokens{Principals: principals, Now: time.Now},
		},
		preview: erasure.NewPreview(
			store.Erasures{DB: db, Table: s.Erasures}, store.Customers{DB: db, Table: s.Customers},
			store.Contacts{DB: db, Table: s.Contacts}, store.Holds{DB: db, Table: s.Holds}, digest.New(keys.Current, keys.ByID, keys.Again, time.Now), time.Now,
		),
		now: time.Now,
	}
	connected()
	return h.endpoint().Handler(), nil
}
