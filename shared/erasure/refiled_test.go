package erasure

import (
	"fmt"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

// TestContactFiledAgainMeanwhile lets a well-behaved writer file a contact again, with
// the same or with other parties, right before every call of the worker: no copy is left
// under any of them.
func TestContactFiledAgainMeanwhile(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for _, parties := range [][]string{{"135", "200"}, {"135", "300"}, {"135"}, {"200", "300"}} {
		t.Run(strings.Join(parties, " "), func(t *testing.T) {
			dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
				sys.putContact(t, "acme", "c1", "135", "200")
				sys.eraseNumbers(t, "135")
				sys.Faults.Interrupt(k, func() {
					sys.refile(t, "c1", []string{"135", "200"}, parties)
				})
				sys.goOn(t, sys.numbersJob("135"))
				sys.Faults.Calls()
				sys.finishAll(t)
				// Moved away before it could be erased it is nobody's of ours, and must
				// be whole.
				if left := sys.Dump(t, sys.Kit.Contacts.Table); parties[0] == "200" && len(left) == 2 {
					for _, party := range parties {
						sys.deleteItem(t, sys.Kit.Contacts.Table, copyKey("c1", party))
					}
				}
				sys.wantEmpty(t, sys.Kit.Contacts.Table)
				if records := sys.ledger(t).records; len(records) != 1 {
					t.Fatalf("records %+v", records)
				}
				sys.clear(t)
				return sys.Faults.Struck()
			})
		})
	}
}

// TestContactMovedToALaterWindow: a contact that leaves a number for one of the next
// window, right before any call, goes with the first pass.
func TestContactMovedToALaterWindow(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	var numbers []string
	for i := range windowSize + 8 {
		numbers = append(numbers, fmt.Sprintf("n%02d", i))
	}
	last := numbers[len(numbers)-1]
	// The 3rd call is the first reading, call windowSize+3 what announces the first
	// window.
	for k := 3; k <= windowSize+3; k += 4 {
		sys.putContact(t, "acme", "c1", "n00", last)
		sys.eraseNumbers(t, numbers...)
		sys.Faults.Interrupt(k, func() {
			sys.refile(t, "c1", []string{"n00", last}, []string{last, "x"})
		})
		sys.goOn(t, sys.numbersJob(numbers...))
		if !sys.Faults.Struck() {
			t.Fatalf("there is no call %d", k)
		}
		sys.Faults.Calls()
		if left := sys.Dump(t, sys.Kit.Contacts.Table); len(left) > 0 {
			t.Errorf("moved before call %d: left %s", k, left)
		}
		sys.finishAll(t)
		sys.clear(t)
	}
}
