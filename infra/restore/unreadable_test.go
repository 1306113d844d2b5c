package restore

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/store"
)

// item is short, as are s, n and l, because the tables of cases below are full of them.
type item = attribute.Item

var s, n, l = attribute.Text, attribute.Digits, attribute.List

const firstKey = "the first key of digests in the tests of a restore"

var spokenAt = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// copyOf is the copy of a contact of 111 and 222 that number has filed with these
// parties, nil for none.
func copyOf(id, number string, parties types.AttributeValue, more ...item) item {
	data := item{"at": s("2026-01-02T03:04:05Z"), "content": s("said")}
	for _, fields := range more {
		maps.Copy(data, fields)
	}
	found := item{
		"party": s(store.PartyKey("acme", number)), "contact": s(store.ContactKey(spokenAt, id)),
		"data": &types.AttributeValueMemberM{Value: data},
	}
	if parties != nil {
		found["parties"] = parties
	}
	return found
}

// digests are made with the first key.
var digests = digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}}

// stand is a restored table, and the ledger in use with its front door.
func stand(t *testing.T) (restored, inUse *dynamotest.Kit, intake erasure.NumbersIntake) {
	restored, inUse = dynamotest.Open(t), dynamotest.Open(t)
	return restored, inUse, erasure.NewNumbersIntake(inUse.Erasures, digests, time.Now)
}

// printOf is what is printed of a table, what is said of it, and how much.
func printOf(t *testing.T, inUse *dynamotest.Kit, table string) (lines, notes string, r Table, err error) {
	t.Helper()
	var out, said bytes.Buffer
	r = Table{
		DB: inUse.Plain, Name: table, Ledger: inUse.Erasures.Table, Since: time.Now().Add(-time.Hour),
		Digests: digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}}, Out: &out, Notes: &said,
	}
	err = r.Print(t.Context())
	return out.String(), said.String(), r, err
}

// Of a contact with a copy that cannot be read nothing is printed, whichever copy it is
// and whoever was erased; it is named by digests and counted.
func TestUnreadableContacts(t *testing.T) {
	list, null := l(s("111"), s("222")), &types.AttributeValueMemberNULL{Value: true}
	named := func(fields item) []item {
		return []item{copyOf("c", "111", list, fields), copyOf("c", "222", list, fields)}
	}
	both := func(parties types.AttributeValue) []item {
		return []item{copyOf("c", "111", parties), copyOf("c", "222", parties)}
	}
	cases := map[string]struct {
		items    []item
		unknown  int
		restored bool // when nobody was erased
	}{
		"list":                       {both(list), 0, true},
		"string set":                 {both(&types.AttributeValueMemberSS{Value: []string{"222", "111"}}), 0, true},
		"a number in a list":         {both(l(s("111"), n("222"))), 2, false},
		"numbers in a list":          {both(l(n("111"), n("222"))), 2, false},
		"null in a list":             {both(l(s("111"), null)), 2, false},
		"a list in a list":           {both(l(s("111"), l(s("222")))), 2, false},
		"an empty string in a list":  {both(l(s("111"), s("222"), s(""))), 2, false},
		"an empty list":              {both(l()), 2, false},
		"a map":                      {both(&types.AttributeValueMemberM{Value: item{"a": s("111"), "b": s("222")}}), 2, false},
		"a number set":               {both(&types.AttributeValueMemberNS{Value: []string{"111", "222"}}), 2, false},
		"a binary set":               {both(&types.AttributeValueMemberBS{Value: [][]byte{[]byte("111")}}), 2, false},
		"a string":                   {both(s("111")), 2, false},
		"a number":                   {both(n("111")), 2, false},
		"binary":                     {both(&types.AttributeValueMemberB{Value: []byte("111")}), 2, false},
		"null":                       {both(null), 2, false},
		"a boolean":                  {both(&types.AttributeValueMemberBOOL{Value: true}), 2, false},
		"nothing":                    {both(nil), 2, false},
		"one copy alone":             {[]item{copyOf("c", "111", list), copyOf("c", "222", n("222"))}, 2, false},
		"the other copy alone":       {[]item{copyOf("c", "111", n("222")), copyOf("c", "222", list)}, 1, false},
		"its own number not in it":   {both(l(s("222"))), 2, false},
		"data with its numbers":      {named(item{"callingNumber": s("222"), "calledNumber": s("111")}), 0, true},
		"data with another number":   {named(item{"callingNumber": s("222"), "calledNumber": s("444")}), 2, false},
		"data with fewer numbers":    {named(item{"callingNumber": s("222")}), 2, false},
		"data with a number as such": {named(item{"callingNumber": n("222"), "customNos": list}), 2, false},
		"data with numbers in a set": {named(item{"customNos": &types.AttributeValueMemberSS{Value: []string{"111", "222"}}}), 2, false},
		"another time":               {named(item{"at": s("2026-01-02T03:04:06Z")}), 2, false},
		"the same time elsewhere":    {named(item{"at": s("2026-01-02T04:04:05.0+01:00")}), 0, true},
		"a time that is a number":    {named(item{"at": n("1767323045")}), 2, false},
		"a key of another form":      {[]item{{"party": s("acme#111"), "contact": s("yesterday"), "parties": list}}, 1, false},
		"a party of another form":    {[]item{{"party": s("111"), "contact": s(store.ContactKey(spokenAt, "c")), "parties": list}}, 1, false},
		"a party not escaped":        {[]item{{"party": s("ac%me#111"), "contact": s(store.ContactKey(spokenAt, "c")), "parties": list}}, 1, false},
		"a name of the format":       {named(item{"kind": s("customer")}), 2, false},
	}
	for _, erased := range []string{"", "111", "222", "444"} {
		restored, inUse, intake := stand(t)
		if erased != "" {
			asked := erasure.NumbersRequest{Tenant: "acme", Numbers: []string{erased}, By: "app"}
			if _, err := intake.Numbers(t.Context(), asked); err != nil {
				t.Fatal(err)
			}
		}
		for name, c := range cases {
			restored.Put(t, restored.Contacts.Table, c.items...)
			restored.Put(t, restored.Contacts.Table, copyOf("alone", "333", l(s("333"))))
			lines, notes, r, err := printOf(t, inUse, restored.Contacts.Table)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			printed := c.restored && erased != "111" && erased != "222"
			if strings.Count(lines, `"contactId":"c"`) != 0 != printed ||
				strings.Count(lines, `"contactId":"alone"`) != 1 {
				t.Errorf("%s, %q erased: printed %s", name, erased, lines)
			}
			unknown := c.unknown
			if name == "one copy alone" && (erased == "111" || erased == "222") ||
				name == "its own number not in it" && erased == "222" {
				unknown = 1 // a copy that can be read is about them, and is counted as erased
			}
			if r.Unreadable != unknown || strings.Count(notes, "\n") != unknown {
				t.Errorf("%s, %q erased: %d items cannot be read, want %d:\n%s", name, erased, r.Unreadable, unknown, notes)
			}
			for _, number := range []string{"111", "222", "444"} {
				if digest := digests.Subject("number", "acme", number); strings.Contains(strings.ReplaceAll(notes, digest, ""), number) {
					t.Errorf("%s: a number is told:\n%s", name, notes)
				}
			}
			if strings.Contains(name, "list") && unknown == 2 &&
				(!strings.Contains(notes, digests.Subject("number", "acme", "222")) ||
					!strings.Contains(notes, "2026-01-02T03:04:05")) {
				t.Errorf("%s: not named:\n%s", name, notes)
			}
			for _, found := range c.items {
				remove(t, restored, restored.Contacts.Table, item{"party": found["party"], "contact": found["contact"]})
			}
		}
	}
}

// Copies that can be read and disagree: nothing is printed while one of them names
// somebody who was erased.
func TestCopiesThatDisagree(t *testing.T) {
	restored, inUse, intake := stand(t)
	restored.Put(t, restored.Contacts.Table,
		copyOf("c", "111", l(s("111"), s("222"))), copyOf("c", "222", l(s("111"), s("222"), s("333"))))
	if lines, _, r, err := printOf(t, inUse, restored.Contacts.Table); err != nil || r.Printed != 1 {
		t.Errorf("%v, %s", err, lines)
	}
	asked := erasure.NumbersRequest{Tenant: "acme", Numbers: []string{"333"}, By: "app"}
	if _, err := intake.Numbers(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	lines, notes, r, err := printOf(t, inUse, restored.Contacts.Table)
	if err != nil || lines != "" || r.Erased != 1 || r.Unreadable != 1 || !strings.Contains(notes, "another copy") {
		t.Errorf("%v, %s\n%s", err, lines, notes)
	}
}

func remove(t *testing.T, kit *dynamotest.Kit, table string, key item) {
	t.Helper()
	if _, err := kit.Plain.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key}); err != nil {
		t.Fatal(err)
	}
}

// What stands in a table of customers and is no customer of ours is named, and the
// others are printed; a tombstone that no erasure has put is nobody's erasure.
func TestUnreadableCustomers(t *testing.T) {
	restored, inUse, _ := stand(t)
	customer := func(code, record string, more item) item {
		found := item{"customer": s("shop#" + code), "record": s(record), "name": s("name of " + code)}
		maps.Copy(found, more)
		return found
	}
	faults := []item{
		customer("4712", "note#1", nil),
		customer("4713", "customer", item{"tombstone": n("1")}),
		customer("4714", "customer", item{"tombstone": s("")}),
		customer("4715", "customer", item{"tombstone": s("yes")}),
		customer("4716", store.TransactionRecord("c", "t"), item{"tombstone": s("customer-1.00"), "at": s("2026-01-02T03:04:05Z")}),
		customer("4717", "customer", item{"set": &types.AttributeValueMemberNS{Value: []string{"1"}}}),
		customer("4718#2", "customer", nil),
		customer("4719%", "customer", nil),
		customer("4720", "txn#c", nil),
		customer("4721", "txn#c#%", nil),
		customer("4722", "customer", item{"code": s("4711")}),
		customer("4724", store.TransactionRecord("c", "t"), nil), // no time
		customer(strings.Repeat("4", 300), "customer", nil),      // no code that a call could name
		customer("4725", "customer", item{"Code": s("4711")}),    // which the import does not know
	}
	restored.Put(t, restored.Customers.Table, append(faults, customer("4711", "customer", nil),
		customer("4711", store.TransactionRecord("c", "t"), item{"at": s("2026-01-02T03:04:05Z")}),
		customer("4723", "customer", item{"tombstone": s("customer-1.00")}))...)
	lines, notes, r, err := printOf(t, inUse, restored.Customers.Table)
	if err != nil || r.Printed != 2 || r.Erased != 1 || r.Unreadable != len(faults) {
		t.Errorf("%v, printed %d, erased %d, unreadable %d\n%s", err, r.Printed, r.Erased, r.Unreadable, notes)
	}
	if strings.Count(lines, "name of 4711") != 2 || strings.Count(lines, "name of") != 2 {
		t.Errorf("printed %s", lines)
	}
	if strings.Count(notes, "\n") != len(faults) ||
		!strings.Contains(notes, r.Digests.Subject("customer", "shop", "4713")) {
		t.Errorf("named:\n%s", notes)
	}
}

// A table that holds neither is told at once: nobody reads of each of its items.
func TestAnotherTable(t *testing.T) {
	restored, inUse, _ := stand(t)
	restored.Put(t, restored.Users.Table, item{"customerId": s("u1")}, item{"customerId": s("u2")})
	restored.Put(t, restored.Principals.Table, item{"principal": s("app#a")})
	for _, table := range []string{restored.Users.Table, restored.Principals.Table} {
		if lines, notes, _, err := printOf(t, inUse, table); err == nil ||
			!strings.Contains(err.Error(), "neither one of customers nor one of contacts") || lines+notes != "" {
			t.Errorf("%v, %s, %s", err, lines, notes)
		}
	}
}

// A ledger whose entries cannot be read must not look like one in which nobody was
// erased.
func TestUnreadableLedger(t *testing.T) {
	digest := digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte(firstKey)}}.Subject("number", "acme", "111")
	ended := n(fmt.Sprint(time.Now().UnixMilli()))
	entry := func(more item) item {
		found := item{"erasureId": s("erasure-1"), "finishedAt": ended}
		maps.Copy(found, more)
		return found
	}
	set := &types.AttributeValueMemberSS{Value: []string{digest}}
	for name, c := range map[string]struct {
		entry item
		fails bool
	}{
		"a list":                        {entry(item{"subjects": l(s(digest))}), false},
		"a set":                         {entry(item{"subjects": set}), false},
		"a time as text":                {entry(item{"subjects": set, "finishedAt": s("2026-01-02T03:04:05Z")}), false},
		"no time":                       {item{"erasureId": s("erasure-1"), "subjects": set}, false},
		"a time with a fraction":        {entry(item{"subjects": set, "finishedAt": n("99999999999999.5")}), false},
		"nothing":                       {entry(nil), true},
		"an empty list":                 {entry(item{"subjects": l()}), true},
		"a string":                      {entry(item{"subjects": s(digest)}), true},
		"a number beside it":            {entry(item{"subjects": l(s(digest), n("1"))}), true},
		"half a digest":                 {entry(item{"subjects": l(s(digest[:20]))}), true},
		"upper case":                    {entry(item{"subjects": l(s("1." + strings.ToUpper(digest[2:])))}), true},
		"a key that nobody knows":       {entry(item{"subjects": l(s("9" + digest))}), true},
		"a name of no type":             {entry(item{"subjectsIn": n("1")}), true},
		"an empty name":                 {entry(item{"subjectsIn": s("")}), true},
		"a name of nothing":             {entry(item{"subjectsIn": s("subjects-none")}), true},
		"a name of digests":             {entry(item{"subjectsIn": s("subjects-good")}), false},
		"a name of half digests":        {entry(item{"subjectsIn": s("subjects-half")}), true},
		"a name of digests as text":     {entry(item{"subjectsIn": s("subjects-text")}), true},
		"a name of digests without key": {entry(item{"subjectsIn": s("subjects-keyless")}), true},
	} {
		restored, inUse, _ := stand(t)
		packed := make([]byte, 32)
		fmt.Sscanf(digest[2:], "%x", &packed)
		key := s("1")
		inUse.Put(t, inUse.Erasures.Table, c.entry,
			item{"erasureId": s("subjects-good"), "key": key, "digests": &types.AttributeValueMemberB{Value: packed}},
			item{"erasureId": s("subjects-half"), "key": key, "digests": &types.AttributeValueMemberB{Value: slices.Concat(packed, packed[:5])}},
			item{"erasureId": s("subjects-text"), "key": key, "digests": s(digest)},
			item{"erasureId": s("subjects-keyless"), "key": n("1"), "digests": &types.AttributeValueMemberB{Value: packed}})
		restored.Put(t, restored.Contacts.Table, copyOf("c", "111", l(s("111"))))
		if lines, _, _, err := printOf(t, inUse, restored.Contacts.Table); (err != nil) != c.fails || lines != "" {
			t.Errorf("%s: %v, printed %s", name, err, lines)
		}
	}
}
