package restore

import (
	"testing"
	"time"

	"customercare/infra/testkit/dynamotest"
)

// Each call of a replay fails once, in every way, and the process dies at each: the next
// run goes on, nobody erased since is left, and nobody else is lost.
func TestAReplayAtEveryCall(t *testing.T) {
	faults := []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused,
		dynamotest.Unprocessed, dynamotest.Cancelled, "dies before", "dies after",
	}
	for _, fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			sys := newSystem(t)
			for _, table := range []string{sys.Customers.Table, sys.Contacts.Table} {
				dynamotest.EveryMoment(t, func(t *testing.T, k int) bool {
					sys.wipe(t, sys.Customers.Table, sys.Contacts.Table, sys.Erasures.Table)
					sys.put(t, sys.customer("1", 12)...)
					sys.put(t, pair("c", "111", "222")...)
					since := sys.clock.Now()
					sys.clock.Advance(time.Second)
					sys.mustErase(t, "1")
					sys.eraseNumber(t, "111")
					sys.end(t)
					sys.Put(t, sys.Customers.Table, sys.tombstoneOf("ghost"))
					sys.put(t, sys.customer("1", 12)...)
					sys.put(t, sys.customer("2", 1)...)
					sys.put(t, pair("c", "111", "222")[1:]...)
					sys.put(t, pair("d", "333", "222")...)
					ctx, r := t.Context(), sys.replay(table, since)
					switch fault {
					case "dies before", "dies after":
						ctx = sys.Faults.Die(k, fault == "dies after")
					default:
						sys.Faults.Inject(fault, k, k)
					}
					err := r.Open(ctx)
					struck := sys.Faults.Struck()
					sys.Faults.Calls()
					if err != nil {
						if !struck {
							t.Fatal(err)
						}
						if err := sys.replay(table, since).Open(t.Context()); err != nil {
							t.Fatal(err)
						}
					}
					sys.end(t)
					if said := sys.prove(t, r); said.Left != 0 {
						t.Errorf("%v: %+v", err, said)
					}
					want := map[string]int{sys.Customers.Table: 2, sys.Contacts.Table: 2}[table]
					if left := sys.Dump(t, table); len(left) != want {
						t.Errorf("%v, left: %q", err, left)
					}
					return struck
				})
			}
		})
	}
}
