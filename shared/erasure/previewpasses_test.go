package erasure

import (
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/attribute"
)

// TestPreviewGoesOverWhatIsKeptAgain: the first pass of an erasure may delete a copy that
// it has passed by, because a copy of the same contact was kept. Then the pages of the
// last pass are other ones, in which another copy stands without the one because of which
// it was kept. Of contacts whose copies agree there is no such thing.
func TestPreviewGoesOverWhatIsKeptAgain(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	sys.shortenPages(3)
	file := func(contact, under string, parties ...string) {
		filed := copyKey(contact, under)
		filed["parties"] = attribute.Texts(parties...)
		sys.Put(t, sys.Kit.Contacts.Table, filed)
	}
	for number, kept := range map[string][]string{"n1": {"b", "c"}, "n2": {"d", "e"}, "n3": {"0", "1", "2"}} {
		for _, contact := range kept {
			sys.putContact(t, "acme", contact, number, "held")
		}
	}
	file("a", "n1", "n1", "held")
	file("a", "n2", "n2", "n3")
	file("a", "n3", "n3", "n2") // on the second page of n3; it takes that of n2 along
	file("m", "n1", "n1", "held")
	file("m", "n2", "n2") // on the second page of n2, and then on the first
	sys.hold(t, "h", "held")
	numbers := []string{"n1", "n2", "n3"}
	seen, err := sys.preview().Numbers(t.Context(), "acme", numbers, sys.clock.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	sys.eraseNumbers(t, numbers...)
	sys.finishAll(t)
	records := sys.ledger(t).records
	if len(records) != 1 || int64(records[0].found) != seen.Found.Sum() || seen.Found.Contacts != 2 || seen.Held != 9 {
		t.Errorf("the preview %s, the erasure %+v", repr.String(seen), records)
	}
}
