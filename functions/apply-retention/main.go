// Command apply-retention runs every hour, and erases what is older than the rules of
// retention say that are on.
package main

import (
	"time"

	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Erasure    erasure.CustomerSettings
	Rules      string        `env:"RULES_TABLE,required,notEmpty"`
	Contacts   string        `env:"CONTACTS_TABLE,required,notEmpty"`
	Users      string        `env:"USERS_TABLE,required,notEmpty"`
	Principals string        `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Every      time.Duration `env:"RETENTION_EVERY,required"`
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	limiter := store.NewLimiter(s.Erasure.BatchCalls)
	h := &handler{
		rules:      store.Rules{DB: db, Table: s.Rules},
		customers:  store.Customers{DB: db, Table: s.Erasure.Customers, Limiter: limiter},
		contacts:   store.Contacts{DB: db, Table: s.Contacts, Limiter: limiter},
		users:      store.Users{DB: db, Table: s.Users},
		principals: store.Principals{DB: db, Table: s.Principals},
		holds:      store.Holds{DB: db, Table: s.Erasure.Holds},
		ledger:     store.Erasures{DB: db, Table: s.Erasure.Erasures},
		intake:     s.Erasure.Intake(db, digest.New(keys.Current, keys.ByID, keys.Again, time.Now)),
		atOnce:     max(1, s.Erasure.BatchCalls),
		skew:       s.Erasure.ClockSkew,
		every:      s.Every, now: time.Now,
	}
	connected()
	return h.handle, nil
}
