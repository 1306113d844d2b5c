package erasure

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/shared/store"
)

// A contact whose deletion DynamoDB never takes keeps none of the others, and the job is
// not done while it stands, however long that is: it fails, and says so. When it goes at
// last, the record counts all.
func TestContactThatIsNeverTaken(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	bad, taken := store.PartyKey("acme", "n03"), false
	through := sys.Faults.Next
	sys.Faults.Next = answering(func(r *http.Request, action string, body []byte) (*http.Response, error) {
		if action == "TransactWriteItems" && !taken && slices.Contains(deletedParties(body), bad) {
			return reply(r, http.StatusBadRequest, noTransaction["too large"]), nil
		}
		return through.RoundTrip(r)
	})
	var numbers []string
	for i := range windowSize + 8 { // two windows
		number := fmt.Sprintf("n%02d", i)
		numbers = append(numbers, number)
		sys.putContact(t, "acme", "of "+number, number)
	}
	sys.eraseNumbers(t, numbers...)
	for range 12 {
		sys.clock.Advance(20 * time.Minute)
		sys.cleanUp(t)
		sys.Faults.Calls()
		ledger := sys.ledger(t)
		if len(ledger.open) != 1 || len(ledger.records) != 0 {
			t.Fatalf("%d open, records %+v", len(ledger.open), ledger.records)
		}
		left := sys.Dump(t, sys.Kit.Contacts.Table)
		if len(left) != 1 || !strings.Contains(left[0], `"`+bad+`"`) {
			t.Fatalf("left %s", left)
		}
	}
	taken = true
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
	sys.wantRecord(t, len(numbers))
}
