// Command use-temporary-allow is a call of our own: it says whether a temporary allow of
// a user is in force, and uses up one that is for a single login.
package main

import (
	"crypto/rand"
	"time"

	"customercare/shared/digest"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
	"customercare/shared/tempallow"
)

func main() { start.Function(prepare) }

type settings struct {
	Store store.Settings
	Users string          `env:"USERS_TABLE,required,notEmpty"`
	Types tempallow.Types `env:"TEMP_ALLOW_TYPES,required,notEmpty"`

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
		users: store.Users{DB: db, Table: s.Users}, digests: digests, types: s.Types.Uses(),
		now: time.Now, token: rand.Text,
	}
	connected()
	return h.endpoint().Handler(), nil
}
