// Command continue-erasure works on erasures that were handed over; the ledger's stream
// starts it.
package main

import (
	"customercare/shared/erasure"
	"customercare/shared/start"
	"customercare/shared/store"
)

func main() { start.Function(prepare) }

type settings struct {
	Store   store.Settings
	Erasure erasure.WorkerSettings
}

func prepare(s settings) (any, error) {
	db, connected := store.Connect(s.Store)
	h := handler{s.Erasure.Worker(db)}
	connected()
	return h.handle, nil
}
