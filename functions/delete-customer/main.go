// Command delete-customer is operation 3: it deletes a loyalty customer with every
// transaction, for good.
package main

import (
	"time"

	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/principal"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Guard      principal.Guard
	Principals string `env:"PRINCIPALS_TABLE,required,notEmpty"`
	Erasure    erasure.CustomerSettings
	DigestKeys secret.DigestKeys
	Budget     time.Duration `env:"DRAIN_BUDGET,required"`
	Upstream   string        `env:"LOYALTY_UPSTREAM_URL,required"` // "" for none
}

func prepare(s settings) (any, error) {
	upstream, err := newUpstream(s.Upstream)
	if err != nil {
		return nil, err
	}
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	digests := digest.New(keys.Current, keys.ByID, keys.Again, time.Now)
	principals := store.Principals{DB: db, Table: s.Principals}
	directory := principal.Directory{Principals: principals, Guard: s.Guard, Now: time.Now}
	h := handler{directory, s.Erasure.Intake(db, digests), digests, s.Budget, upstream}
	connected()
	return h.endpoint().Handler(), nil
}
