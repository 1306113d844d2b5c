// Command set-temporary-allow is operation 2: it gives a user a temporary allow of one
// type, in place of any other of that type.
package main

import (
	"time"

	"customercare/shared/digest"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

func main() { start.Function(prepare) }

type settings struct {
	Store    store.Settings
	Users    string             `env:"USERS_TABLE,required,notEmpty"`
	Types    tempallow.Types    `env:"TEMP_ALLOW_TYPES,required,notEmpty"`
	MaxAhead tempallow.Lifetime `env:"TEMP_ALLOW_MAX_AHEAD,required,notEmpty"`

	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	digests := digest.New(keys.Current, keys.ByID, keys.Again, time.Now)
	h := handler{
		users: store.Users{DB: db, Table: s.Users}, digests: digests,
		rules: rules{types: s.Types, maxAhead: time.Duration(s.MaxAhead)},
		now:   time.Now,
	}
	connected()
	return h.endpoint().Handler(), nil
}
