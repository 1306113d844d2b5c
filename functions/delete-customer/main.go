// Command delete-customer is operation 3: it deletes a loyalty customer with every transaction,
// for good.
package main

import (
	"time"

	"customercare/shared/principal"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	engine, err := s.engine(db)
	if err != nil {
		return nil, err
	}
	h := handler{
		directory: principal.Directory{
			Principals: store.Principals{DB: db, Table: s.Principals},
			Guard:      s.Guard,
			Now:        time.Now,
		},
		engine: engine,
		budget: s.Budget,
	}
	connected()
	return h.endpoint().Handler(), nil
}
