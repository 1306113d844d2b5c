// Command delete-customer-info is operation 1: it cancels a user's temporary allows,
// unregisters the user's devices or resets the user's profile.
package main

import (
	"time"

	"customercare/shared/digest"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Users      string `env:"USERS_TABLE,required,notEmpty"`
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	digests := digest.New(keys.Current, keys.ByID, keys.Again, time.Now)
	h := handler{users: store.Users{DB: db, Table: s.Users}, digests: digests, now: time.Now}
	connected()
	return h.endpoint().Handler(), nil
}
