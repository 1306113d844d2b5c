// Command authorize-operator lets operators in to operations 1 and 2: HTTP Basic.
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
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := handler{principal.Directory{
		Principals: store.Principals{DB: db, Table: s.Principals},
		Guard:      s.Guard,
		Now:        time.Now,
	}}
	connected()
	return h.authorizer().Handle, nil
}
