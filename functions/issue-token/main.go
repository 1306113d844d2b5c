// Command issue-token is operation 5: a token for an app's key and secret.
package main

import (
	"time"

	"customercare/shared/principal"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Guard      principal.Guard
	Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	// TokenLifetime is how many seconds a token lives whose caller names no time.
	TokenLifetime lifetime `env:"TOKEN_LIFETIME,required"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	principals := store.Principals{DB: db, Table: s.Principals}
	h := handler{
		directory: principal.Directory{Principals: principals, Guard: s.Guard, Now: time.Now},
		tokens:    principal.Tokens{Principals: principals, Now: time.Now},
		usual:     s.TokenLifetime,
	}
	connected()
	return h.endpoint().Handler(), nil
}
