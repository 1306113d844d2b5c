package erasure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

func (w *world) deleteItem(t testing.TB, table string, key item) {
	t.Helper()
	if _, err := w.Plain.DeleteItem(context.Background(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Error(err)
	}
}

// copyOf is the copy of contact c1 that number has filed with these parties, nil for none.
func copyOf(number string, parties types.AttributeValue) item {
	it := item{"party": s(store.PartyKey("acme", number)), "contact": s(store.ContactKey(contactTime, "c1")), "content": s("said")}
	if parties != nil {
		it["parties"] = parties
	}
	return it
}

// TestPartiesOfEveryType: whatever stands as parties in both copies of a contact, the copy of
// the erased number goes, and those of the numbers that can be made out. Where nobody knows
// whether that is all, the log and the record say so, without a number; the other copy goes
// when its own number is erased.
func TestPartiesOfEveryType(t *testing.T) {
	w := newWorld(t)
	for _, name := range slices.Sorted(maps.Keys(everyType())) {
		parties := everyType()[name]
		numbers, whole := store.Parties(parties)
		w.putContact(t, "acme", "c2", other, "300")
		before := w.Dump(t, w.Kit.Contacts.Table)
		peer := copyOf(other, parties)
		w.Put(t, w.Kit.Contacts.Table, copyOf(erased, parties), peer)
		log := metrictest.Capture(t)
		if err := w.Numbers(t.Context(), "acme", []string{erased}, "app"); err != nil {
			t.Fatal(err)
		}
		w.settle(t)
		left := slices.DeleteFunc(w.Dump(t, w.Kit.Contacts.Table), func(line string) bool { return slices.Contains(before, line) })
		if known := slices.Contains(numbers, other); len(left) > 1 || (len(left) == 1) == known || strings.Contains(strings.Join(left, ""), "acme#"+erased) {
			t.Errorf("%s: left %s", name, left)
		}
		records := w.records(t)
		if len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"1"}`) || strings.Contains(records[0], `"unreadable":{"Value":true}`) == whole {
			t.Errorf("%s: record %s", name, records)
		}
		if said := strings.Contains(log.String(), "cannot be read"); said == whole || strings.Contains(log.String(), erased) || strings.Contains(log.String(), other) {
			t.Errorf("%s: log %s", name, log)
		}
		w.clear(t)
		if err := w.Numbers(t.Context(), "acme", []string{other}, "app"); err != nil {
			t.Fatal(err)
		}
		w.settle(t)
		if left := w.Dump(t, w.Kit.Contacts.Table); len(left) != 0 {
			t.Errorf("%s: left when both are erased: %s", name, left)
		}
		w.clear(t)
	}
}

// TestPeersOfEveryType: a copy that the erased number's own copy names goes with it whatever
// stands as its parties, under every fault; what names others alone belongs to a contact
// filed anew, and stays.
func TestPeersOfEveryType(t *testing.T) {
	t.Parallel()
	values := everyType()
	values["others"], values["a set of others"] = list(other, "300"), &types.AttributeValueMemberSS{Value: []string{other, "300"}}
	ways := everyWay()
	for name, parties := range values {
		for i, way := range ways {
			if i > 0 && !slices.Contains([]string{"map", "others"}, name) {
				break // the calls are the same for all
			}
			t.Run(name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				for k := 1; ; k++ {
					w.Put(t, w.Kit.Contacts.Table, copyOf(erased, list(erased, other)), copyOf(other, parties))
					process := way.inject(w.Faults, k)
					if err := recovered(func() error { return w.Numbers(process, "acme", []string{erased}, "app") }); err != nil {
						if err := w.Numbers(context.Background(), "acme", []string{erased}, "app"); err != nil {
							t.Fatal(err)
						}
					}
					w.settle(t, process)
					struck := w.Faults.Struck()
					w.Faults.Calls()
					left := w.Dump(t, w.Kit.Contacts.Table)
					if others := strings.HasSuffix(name, "others"); len(left) > 1 || (len(left) == 1) != others || strings.Contains(strings.Join(left, ""), "acme#"+erased) {
						t.Fatalf("k=%d: left %s", k, left)
					}
					if records := w.records(t); len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"1"}`) || strings.Contains(records[0], "unreadable") {
						t.Fatalf("k=%d: record %s", k, records)
					}
					w.clear(t)
					if !struck {
						return
					}
				}
			})
		}
	}
}

// TestPeerThatChanges: a writer who stores other parties that nobody can read right before
// any call keeps no worker, and what the erased number has filed goes.
func TestPeerThatChanges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for k := 1; ; k++ {
		w.Put(t, w.Kit.Contacts.Table, copyOf(erased, list(erased, other)), copyOf(other, &types.AttributeValueMemberN{Value: "1"}))
		if err := w.Numbers(t.Context(), "acme", []string{erased}, "app"); err != nil {
			t.Fatal(err)
		}
		w.Faults.Interrupt(k, func() {
			w.Put(t, w.Kit.Contacts.Table, copyOf(other, &types.AttributeValueMemberN{Value: fmt.Sprint(1 + k)}))
		})
		w.settle(t)
		struck := w.Faults.Struck()
		w.Faults.Calls()
		for _, line := range w.Dump(t, w.Kit.Contacts.Table) {
			if strings.Contains(line, "acme#"+erased) {
				t.Fatalf("before call %d: left %s", k, line)
			}
		}
		w.deleteItem(t, w.Kit.Contacts.Table, item{"party": s("acme#" + other), "contact": s(store.ContactKey(contactTime, "c1"))})
		w.clear(t)
		if !struck {
			return
		}
	}
}
