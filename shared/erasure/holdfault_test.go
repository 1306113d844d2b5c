package erasure

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// TestEveryCallOfAHoldFailsOnce lets every call fail in every way, or the process die
// there, that places a hold, refuses an erasure or keeps something from it, releases the
// hold and erases what was asked for: nothing is lost that is held, nothing is left when
// all is over, and no hold hangs.
func TestEveryCallOfAHoldFailsOnce(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"", "135"} {
		for _, way := range everyWay() {
			name := "number " + way.name
			if number == "" {
				name = "customer " + way.name
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				n := 0
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					n++
					id := holdID(n)
					sys.putCustomer(t, "shop", "4711", 3)
					sys.putContact(t, "acme", "c1", "135", "200")
					sys.putContact(t, "acme", "c2", "200", "300")
					process := way.inject(sys.Faults, k)
					if active, _ := sys.placeBy(process, sys.engine, id, number); !active {
						sys.placeAgain(t, id, number)
					}
					before := slices.Concat(sys.Dump(t, sys.Kit.Customers.Table), sys.heldNow(t, "135"))
					ask := func(ctx context.Context) (err error) {
						return recovered(func() error {
							if number == "" {
								return sys.Customer(ctx, "shop", "4711", "john", time.Minute)
							}
							return sys.Numbers(ctx, "acme", []string{"135", "300"}, "app")
						})
					}
					if err := ask(alive(process)); err != nil && err != ErrCustomerHeld {
						sys.clock.Advance(5 * time.Minute)
						if err := ask(context.Background()); err != nil && err != ErrCustomerHeld {
							t.Fatal(err)
						}
					}
					sys.finishAll(t, alive(process))
					if after := slices.Concat(sys.Dump(t, sys.Kit.Customers.Table), sys.heldNow(t, "135")); !slices.Equal(before, after) {
						t.Fatalf("held, and lost: %d items of %d are left", len(after), len(before))
					}
					err := recovered(func() error {
						_, err := sys.holder().Release(alive(process), id, "legal")
						return err
					})
					if err != nil {
						if _, err := sys.holder().Release(context.Background(), id, "legal"); err != nil {
							t.Fatal(err)
						}
					}
					_ = recovered(func() error {
						_, err := sys.holder().Due(alive(process), dynamotest.StandingIndex)
						return err
					})
					struck = sys.Faults.Struck()
					sys.Faults.Calls()
					sys.clock.Advance(time.Hour)
					sys.dueHolds(t)
					sys.finishAll(t)
					if hold, err := sys.engine.Holds.Read(t.Context(), id); err != nil || hold.Status != store.Released {
						t.Fatalf("%s, %v", repr.String(hold), err)
					}
					switch number {
					case "":
						sys.wantEmpty(t, sys.Kit.Customers.Table)
					default:
						sys.wantEmpty(t, sys.Kit.Contacts.Table)
					}
					sys.wantHolds(t, n)
					sys.clear(t)
					return struck
				})
			})
		}
	}
}

// alive is the process, or another one where that has died.
func alive(process context.Context) context.Context {
	if process.Err() != nil {
		return context.Background()
	}
	return process
}

// placeAgain lets the caller ask for a hold again, and cleanup go on with it, until it is
// active.
func (sys *system) placeAgain(t testing.TB, id, number string) {
	t.Helper()
	for range 3 {
		if active, _ := sys.placeBy(context.Background(), sys.engine, id, number); active {
			return
		}
		sys.clock.Advance(time.Minute)
		_, _ = sys.holder().Due(context.Background(), dynamotest.StandingIndex)
	}
	t.Fatal("the hold is not active")
}
