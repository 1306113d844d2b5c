package erasure

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/store"
)

// copyOf is the copy of contact c1 that number has filed with these parties, nil for
// none.
func copyOf(number string, parties types.AttributeValue) item {
	filed := copyKey("c1", number)
	filed["content"] = attribute.Text("said")
	if parties != nil {
		filed["parties"] = parties
	}
	return filed
}

// TestPartiesOfEveryType: whatever stands as parties in both copies of a contact, the
// copy of the erased number goes, and those of the numbers that can be made out. Where
// nobody knows whether that is all, the log and the record say so, without a number; the
// other copy goes when its own number is erased.
func TestPartiesOfEveryType(t *testing.T) {
	sys := newSystem(t)
	for _, name := range slices.Sorted(maps.Keys(everyType())) {
		parties := everyType()[name]
		numbers, whole := store.Parties(parties)
		sys.putContact(t, "acme", "c2", other, "300")
		before := sys.Dump(t, sys.Kit.Contacts.Table)
		sys.Put(t, sys.Kit.Contacts.Table, copyOf(erased, parties), copyOf(other, parties))
		log := metrictest.Capture(t)
		sys.eraseNumbers(t, erased)
		sys.finishAll(t)
		left := slices.DeleteFunc(sys.Dump(t, sys.Kit.Contacts.Table), func(line string) bool {
			return slices.Contains(before, line)
		})
		wantLeft := 1 // the copy of the other number
		if slices.Contains(numbers, other) {
			wantLeft = 0
		}
		if len(left) != wantLeft || strings.Contains(strings.Join(left, ""), "acme#"+erased) {
			t.Errorf("%s: left %s", name, left)
		}
		if record := sys.wantRecord(t, 1); record.unreadable == whole {
			t.Errorf("%s: record %s", name, record.json)
		}
		logged := log.String()
		if strings.Contains(logged, "cannot be read") == whole ||
			strings.Contains(logged, erased) || strings.Contains(logged, other) {
			t.Errorf("%s: log %s", name, log)
		}
		sys.clear(t)
		sys.eraseNumbers(t, other)
		sys.finishAll(t)
		sys.wantEmpty(t, sys.Kit.Contacts.Table)
		sys.clear(t)
	}
}

// TestPeersOfEveryType: a copy that the erased number's own copy names goes with it
// whatever stands as its parties, under every fault; what names others alone belongs to
// a contact filed anew, and stays.
func TestPeersOfEveryType(t *testing.T) {
	t.Parallel()
	values := everyType()
	values["others"] = attribute.Texts(other, "300")
	values["a set of others"] = &types.AttributeValueMemberSS{Value: []string{other, "300"}}
	for name, parties := range values {
		wantLeft := 0
		if strings.HasSuffix(name, "others") {
			wantLeft = 1
		}
		for i, way := range everyWay() {
			if i > 0 && !slices.Contains([]string{"map", "others"}, name) {
				break // the calls are the same for all
			}
			t.Run(name+" "+way.name, func(t *testing.T) {
				t.Parallel()
				sys := newSystem(t)
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					sys.Put(t, sys.Kit.Contacts.Table,
						copyOf(erased, attribute.Texts(erased, other)), copyOf(other, parties))
					process := way.inject(sys.Faults, k)
					err := recovered(func() error {
						return sys.Numbers(process, "acme", []string{erased}, "app")
					})
					if err != nil {
						sys.eraseNumbers(t, erased)
					}
					sys.finishAll(t, process)
					struck = sys.Faults.Struck()
					sys.Faults.Calls()
					left := sys.Dump(t, sys.Kit.Contacts.Table)
					if len(left) != wantLeft || strings.Contains(strings.Join(left, ""), "acme#"+erased) {
						t.Fatalf("left %s", left)
					}
					if record := sys.wantRecord(t, 1); record.has("unreadable") {
						t.Fatalf("record %s", record.json)
					}
					sys.clear(t)
					return struck
				})
			})
		}
	}
}

// TestPeerThatChanges: a writer who stores other parties that nobody can read right
// before any call keeps no worker, and what the erased number has filed goes.
func TestPeerThatChanges(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	unreadable := func(n int) types.AttributeValue { return attribute.Number(int64(n)) }
	dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
		sys.Put(t, sys.Kit.Contacts.Table,
			copyOf(erased, attribute.Texts(erased, other)), copyOf(other, unreadable(1)))
		sys.eraseNumbers(t, erased)
		sys.Faults.Interrupt(k, func() {
			sys.Put(t, sys.Kit.Contacts.Table, copyOf(other, unreadable(1+k)))
		})
		sys.finishAll(t)
		struck = sys.Faults.Struck()
		sys.Faults.Calls()
		for _, line := range sys.Dump(t, sys.Kit.Contacts.Table) {
			if strings.Contains(line, "acme#"+erased) {
				t.Fatalf("left %s", line)
			}
		}
		sys.deleteItem(t, sys.Kit.Contacts.Table, copyKey("c1", other))
		sys.clear(t)
		return struck
	})
}

// TestForeignListsOfParties: whatever a foreign writer stores as parties, the contact
// goes and the job ends.
func TestForeignListsOfParties(t *testing.T) {
	t.Parallel()
	sys := newSystem(t)
	for i, parties := range []types.AttributeValue{
		nil,
		&types.AttributeValueMemberSS{Value: []string{"135", "200"}},
		&types.AttributeValueMemberNULL{Value: true},
		attribute.Text("135"),
		&types.AttributeValueMemberL{Value: []types.AttributeValue{
			attribute.Text("135"), attribute.Number(7), attribute.Text(""), attribute.Text(strings.Repeat("x", 3000)),
		}},
	} {
		filed := copyKey(strings.Repeat("c", i+1), "135")
		if parties != nil {
			filed["parties"] = parties
		}
		sys.Put(t, sys.Kit.Contacts.Table, filed)
	}
	sys.eraseNumbers(t, "135")
	sys.finishAll(t)
	sys.wantEmpty(t, sys.Kit.Contacts.Table)
	sys.wantRecord(t, 5)
}
