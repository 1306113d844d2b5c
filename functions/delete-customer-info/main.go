// Command delete-customer-info is operation 1: it cancels a user's temporary allows,
// unregisters the user's devices or resets the user's profile.
package main

import (
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store store.Settings
	Users string `env:"USERS_TABLE,required,notEmpty"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := handler{store.Users{DB: db, Table: s.Users}}
	connected()
	return h.endpoint().Handler(), nil
}
