package restore

import (
	"testing"
	"time"

	"customercare/shared/store"
)

// Records that are about nobody, of a sweep of a rule of retention and of a hold, keep
// nobody from restoring.
func TestRecordsOfNobody(t *testing.T) {
	sys := newSystem(t)
	sys.put(t, sys.customer("1", 1)...)
	since := sys.clock.Now().Add(-time.Hour)
	cursor := store.Cursor{Rule: "old", Version: 1, Begun: sys.clock.Now(), Cutoff: since}
	err := sys.Rules.EndSweep(t.Context(), &cursor, sys.Erasures, store.SweepRecord{
		ID: store.NewID(sys.clock.Now()), By: "retention", At: sys.clock.Now(), Statement: `{"v":1}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	hold := store.Hold{
		ID: "case-1", Kind: "customer", Scope: "shop", Subject: "2", By: "csr", Reason: "case", Digest: digests.Subject("customer", "shop", "2"),
	}
	_, _, err = sys.holder.Place(t.Context(), hold, digests.EverySubject("customer", "shop", "2"), sys.clock.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sys.holder.Release(t.Context(), "case-1", "csr"); err != nil {
		t.Fatal(err)
	}
	r := sys.replay(sys.Customers.Table, since)
	r.Dry = true
	if err := r.Open(t.Context()); err != nil || r.Subjects != 0 {
		t.Errorf("%d subjects, %v", r.Subjects, err)
	}
	if said := sys.prove(t, sys.replay(sys.Customers.Table, since)); said.Left != 0 {
		t.Errorf("%+v", said)
	}
}
