// Command clean-customer-data is operation 4: it accepts the erasure of the personal
// data of up to 1000 customer numbers.
package main

import (
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/secret"
	"customercare/shared/start"
	"customercare/shared/store"
	"time"
)

func main() { start.Function(prepare) }

type settings struct {
	Store      store.Settings
	Erasure    erasure.NumbersSettings
	DigestKeys secret.DigestKeys
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	keys, err := s.DigestKeys.Read(s.Store.AWS.Config())
	if err != nil {
		return nil, err
	}
	digests := digest.New(keys.Current, keys.ByID, keys.Again, time.Now)
	h := handler{s.Erasure.Intake(db, digests), digests}
	connected()
	return h.endpoint().Handler(), nil
}
