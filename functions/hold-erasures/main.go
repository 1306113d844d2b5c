// Command hold-erasures places legal holds, releases them and shows them. It marks what
// must not be erased; its role can delete neither a customer nor a contact.
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
	Holds      erasure.HolderSettings
	Index      string `env:"STANDING_HOLDS_INDEX,required,notEmpty"`
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
		holder:  s.Holds.Holder(db),
		holds:   store.Holds{DB: db, Table: s.Holds.Holds},
		index:   s.Index,
		digests: digest.New(keys.Current, keys.ByID, keys.Again, time.Now),
		now:     time.Now,
	}
	connected()
	return h.endpoint().Handler(), nil
}
