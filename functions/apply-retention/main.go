// Command apply-retention runs every hour, and applies the rules of retention that are
// on: it goes through a table once a day for each, and erases what is older than the rule
// says.
package main

import (
	"time"

	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Rules      string        `env:"RULES_TABLE,required,notEmpty"`
	Customers  string        `env:"CUSTOMERS_TABLE,required,notEmpty"`
	Contacts   string        `env:"CONTACTS_TABLE,required,notEmpty"`
	Users      string        `env:"USERS_TABLE,required,notEmpty"`
	Principals string        `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Holds      string        `env:"HOLDS_TABLE,required,notEmpty"`
	Erasures   string        `env:"ERASURES_TABLE,required,notEmpty"`
	BatchCalls int           `env:"BATCH_CALLS,required"` // deleting calls at once
	ClockSkew  time.Duration `env:"CLOCK_SKEW,required"`
	Every      time.Duration `env:"RETENTION_EVERY,required"`
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	limiter := store.NewLimiter(s.BatchCalls)
	h := &handler{
		rules:      store.Rules{DB: db, Table: s.Rules},
		customers:  store.Customers{DB: db, Table: s.Customers, Limiter: limiter},
		contacts:   store.Contacts{DB: db, Table: s.Contacts, Limiter: limiter},
		users:      store.Users{DB: db, Table: s.Users},
		principals: store.Principals{DB: db, Table: s.Principals},
		holds:      store.Holds{DB: db, Table: s.Holds},
		ledger:     store.Erasures{DB: db, Table: s.Erasures},
		atOnce:     max(1, s.BatchCalls),
		skew:       s.ClockSkew,
		every:      s.Every,
		now:        time.Now,
	}
	connected()
	return h.handle, nil
}
