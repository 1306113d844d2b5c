// Command authorize-app lets apps in to operation 4: a Bearer token.
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
	Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := handler{principal.Tokens{
		Principals: store.Principals{DB: db, Table: s.Principals},
		Now:        time.Now,
	}}
	connected()
	return h.authorizer().Handle, nil
}
