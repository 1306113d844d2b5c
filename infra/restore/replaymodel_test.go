package restore

import (
	"cmp"
	"errors"
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// A backup is taken at any moment of interleaved writers, erasures, workers and holds,
// loses copies of contacts, and is put into use later. After a replay, which may die at
// any call before, nobody erased since is there but whom a hold keeps, and nobody else is
// lost.
func TestReplayInterleavings(t *testing.T) {
	sys := newSystem(t)
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("CHAOS_CHECKS"), "20"))
	tables := []string{sys.Customers.Table, sys.Contacts.Table}
	rapid.Check(t, func(rt *rapid.T) {
		sys.wipe(t, append(sys.All(), sys.Holds.Table)...)
		asked := map[string]string{}    // by whom: the id of the erasure that was asked for last
		held := map[string]store.Hold{} // by whom
		backup := map[string][]item{}   // by table; nil: not yet
		over := map[string]bool{}       // whose erasure had ended at the backup
		var since time.Time
		code := rapid.SampledFrom([]string{"1", "2", "3"})
		number := rapid.SampledFrom([]string{"111", "222", "333"})
		// ended says whether the erasure with this id is over, and nobody has asked
		// since: a late repeat begins a new one.
		ended := func(who, id string) (over bool) {
			kind, identifier, _ := strings.Cut(who, "#")
			scope := map[string]string{"customer": "shop", "number": "acme"}[kind]
			for _, found := range dynamotest.Items(t, sys.Plain, sys.Erasures.Table) {
				subjects, _ := store.Texts(found["subjects"])
				if found["openShard"] != nil && slices.Contains(subjects, digests.Subject(kind, scope, identifier)) {
					return false
				}
				over = over || attribute.ReadText(found, "erasureId") == store.RecordPrefix+id && found["statement"] != nil
			}
			return over
		}
		take := func(*rapid.T) {
			if len(backup) > 0 {
				return
			}
			sys.clock.Advance(2 * time.Minute) // clocks may lie apart: skew
			since = sys.clock.Now()
			for who, id := range asked {
				over[who] = ended(who, id)
			}
			for _, table := range tables {
				backup[table] = append([]item{}, dynamotest.Items(t, sys.Plain, table)...)
			}
			sys.clock.Advance(time.Second)
		}
		hold := func(kind, scope, who string) {
			key := kind + "#" + who
			if _, stands := held[key]; stands {
				return
			}
			h := store.Hold{
				ID: "h" + rapid.StringMatching("[a-z]{12}").Draw(rt, "id"), Kind: kind, Scope: scope, Subject: who, By: "csr",
				Reason: "case", Digest: digests.Subject(kind, scope, who),
			}
			_, _, err := sys.holder.Place(t.Context(), h, digests.EverySubject(kind, scope, who), sys.clock.Now().Add(time.Minute))
			if err == nil {
				held[key] = h
			} else if !errors.Is(err, store.ErrErasing) {
				rt.Fatal(err)
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"write customer": func(rt *rapid.T) {
				c := code.Draw(rt, "code")
				page, err := sys.Customers.Read(t.Context(), store.CustomerKey("shop", c), "")
				if err != nil || page.Tombstone != "" {
					return
				}
				sys.put(t, sys.customer(c, rapid.IntRange(0, 3).Draw(rt, "transactions"))...)
			},
			"write contact": func(rt *rapid.T) {
				one, other := number.Draw(rt, "one"), number.Draw(rt, "other")
				if one < other {
					sys.put(t, pair("c"+one+other, one, other)...)
				}
			},
			"erase customer": func(rt *rapid.T) {
				c := code.Draw(rt, "code")
				id, err := sys.eraseCustomer(t, c)
				switch {
				case err == nil:
					asked["customer#"+c] = id
					delete(over, "customer#"+c)
				case !errors.Is(err, erasure.ErrUnknownCustomer) && !errors.Is(err, erasure.ErrCustomerHeld):
					rt.Fatal(err)
				}
			},
			"erase number": func(rt *rapid.T) {
				who := number.Draw(rt, "number")
				asked["number#"+who] = sys.eraseNumber(t, who)
				delete(over, "number#"+who)
			},
			"hold customer": func(rt *rapid.T) { hold("customer", "shop", code.Draw(rt, "code")) },
			"hold number":   func(rt *rapid.T) { hold("number", "acme", number.Draw(rt, "number")) },
			"work":          func(*rapid.T) { sys.work(t) },
			"wait":          func(*rapid.T) { sys.end(t) },
			"backup":        take,
		})
		take(rt)
		if rapid.Bool().Draw(rt, "all ended") {
			sys.end(t)
		}
		erased := func(who string) bool { return asked[who] != "" && !over[who] }
		stands := func(who string) bool { _, stands := held[who]; return stands }
		var want []string
		for _, table := range tables {
			sys.wipe(t, table)
			seen := map[string]bool{}
			for _, found := range backup[table] {
				if party := attribute.ReadText(found, "party"); party != "" {
					contact := attribute.ReadText(found, "contact")
					parties, _ := store.Texts(found["parties"])
					gone, keeps := false, false
					for _, p := range parties {
						gone, keeps = gone || erased("number#"+p), keeps || stands("number#"+p)
					}
					for _, p := range parties {
						if !gone || keeps {
							want = append(want, "acme#"+p+" "+contact)
						}
					}
					if seen[contact] && rapid.Bool().Draw(rt, "lost") {
						continue
					}
					seen[contact] = true
				} else {
					at := attribute.ReadText(found, "customer")
					who := "customer#" + strings.TrimPrefix(at, "shop#")
					tomb := found["tombstone"] != nil
					if tomb && stands(who) || !tomb && (!erased(who) || stands(who)) {
						want = append(want, at+" "+attribute.ReadText(found, "record"))
					}
				}
				sys.Put(t, table, found)
			}
		}
		for _, table := range tables {
			if k := rapid.IntRange(0, 25).Draw(rt, "dies at"); k > 0 {
				_ = sys.replay(table, since).Open(sys.Faults.Die(k, rapid.Bool().Draw(rt, "after")))
				sys.Faults.Calls()
			}
			if err := sys.replay(table, since).Open(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		sys.end(t)
		var got []string
		for _, table := range tables {
			if said := sys.prove(t, sys.replay(table, since)); said.Left != 0 {
				rt.Errorf("%+v", said)
			}
			for _, found := range dynamotest.Items(t, sys.Plain, table) {
				got = append(got, attribute.ReadText(found, "customer")+attribute.ReadText(found, "party")+" "+
					attribute.ReadText(found, "record")+attribute.ReadText(found, "contact"))
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if want = slices.Compact(want); !slices.Equal(got, want) {
			rt.Errorf("erased %v, over %v, held %v\n got %q\nwant %q", asked, over, slices.Sorted(maps.Keys(held)), got, want)
		}
	})
}
