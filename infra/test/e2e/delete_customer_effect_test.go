package e2e

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/shared/operation"
	"customercare/shared/store"
)

// What deleting a customer leaves behind, and what it leaves alone.

// Codes come back as they are, whatever they mean elsewhere: deleted as XML, repeated as
// JSON and as JSONP.
func TestCustomerCodesOfAnyCharacters(t *testing.T) {
	t.Parallel()
	const account = "c-codes"
	codes := []string{
		"#", "a#b", "%", "100%25", "%23", "<code>&amp;\"'", "]]>", "</code>", "a+b c", " inner and outer ",
		`\u0041\`, "=3D", "a=3D\tb"[:4],
		"ü€😀", "\u2028\u2029", "null", "../..", "--" + boundary, strings.Repeat("x", 128), strings.Repeat("😀", 32),
		"txn#1",
	}
	openAccount(t, account, 2, codes...)
	for _, code := range codes {
		var fromXML struct {
			Status   string `xml:"status,attr"`
			Customer struct {
				Status string `xml:"status,attr"`
				Code   string `xml:"code"`
			} `xml:"customer"`
		}
		body, header := formOf(account, code), urlencoded
		if !strings.Contains(code, boundary) {
			body, header = partsOf(fieldsOf(account, code)), multipart
		}
		if r := send(t, "POST", "/", body, header); xml.Unmarshal([]byte(r.Body), &fromXML) != nil ||
			fromXML.Status != "success" || fromXML.Customer.Status != "deleted" || fromXML.Customer.Code != code {
			t.Errorf("%q as XML: %s", code, r.Body)
		}
		for _, changes := range [][]string{{"output", "JSON"}, {"callback", "cb"}} {
			r := send(t, "POST", "/", formOf(account, code, changes...), urlencoded)
			text := strings.TrimSuffix(strings.TrimPrefix(r.Body, "/**/cb("), ");")
			var fromJSON map[string]any
			want := map[string]any{"status": "success", "customer": map[string]any{"status": "deleted", "code": code}}
			if err := json.Unmarshal([]byte(text), &fromJSON); err != nil || fmt.Sprint(fromJSON) != fmt.Sprint(want) {
				t.Errorf("%q as JSON: %s", code, r.Body)
			}
			if strings.ContainsAny(r.Body, "\u2028\u2029<>") {
				t.Errorf("%q: a script ends early: %s", code, r.Body)
			}
		}
	}
	if left := dump(t, "mark of "+account); len(left) != 0 {
		t.Errorf("left: %s", left)
	}
}

// Between the answer and the end the customer's code stands in the job and the tombstone,
// and nothing else of the customer anywhere; after the end nothing at all. Who comes back
// under the code is a new customer.
func TestCustomerIsForgottenAndMayComeBack(t *testing.T) {
	t.Parallel()
	const account, code = "c-forgotten", "4234567890123456"
	openAccount(t, account, 7, code)
	for round := range 2 {
		if round > 0 {
			addCustomers(t, account, 2, code)
		}
		if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
			t.Fatalf("round %d: %s", round, r.Body)
		}
		if left := dump(t, "mark of "+account); len(left) != 0 {
			t.Errorf("left: %s", left)
		}
		kinds := map[string]int{}
		for _, line := range dump(t, code) {
			switch {
			case strings.HasPrefix(line, running.Table("Customers")+" ") && strings.Contains(line, `"tombstone"`):
				kinds["tombstone"]++
			case strings.HasPrefix(line, running.Table("Erasures")+" ") && strings.Contains(line, `"openShard"`):
				kinds["job"]++
			default:
				t.Errorf("the code is left in %s", line)
			}
		}
		if kinds["tombstone"] != 1 || kinds["job"] != 1 {
			t.Errorf("round %d: %v", round, kinds)
		}
		passWriterLifetime(t, account)
		if left := dump(t, code); len(left) != 0 {
			t.Errorf("left after the end: %s", left)
		}
		trace := &confidential{values: map[string]bool{code: true, "mark of " + account: true}}
		if found := trace.in(strings.Join(dump(t, ""), "\n")); len(found) != 0 {
			t.Errorf("an unkeyed trace is left: %s", found)
		}
		if records := recordsOf(t, account); len(records) != round+1 {
			t.Errorf("round %d: records %s", round, records)
		}
		if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
			t.Errorf("a repeat after the end: %s", r.Body)
		}
	}
	all := strings.Join(recordsOf(t, account), "\n")
	for _, want := range []string{`"deleted":{"Value":"8"}`, `"deleted":{"Value":"3"}`} {
		if !strings.Contains(all, want) {
			t.Errorf("no record with %s: %s", want, all)
		}
	}
}

// recordsOf are the ledger's records of finished erasures in the account.
func recordsOf(t testing.TB, account string) []string {
	return slices.DeleteFunc(dump(t, `"statement":{"Value":"`), func(line string) bool {
		return !strings.Contains(line, `"scope":{"Value":"`+account+`"}`)
	})
}

// Of customers whose keys look alike only the named one goes.
func TestCustomerNeighboursStay(t *testing.T) {
	t.Parallel()
	for account, codes := range map[string][]string{
		"c-near#b": {"c"}, "c-near": {"b#c", "b%23c", "77", "777", "7777"}, "c-near%23b": {"c"},
		"c-near#b#c": {"d"}, "c-near2": {"777"},
	} {
		openAccount(t, account, 2, codes...)
	}
	collections := func() map[string][]string {
		all := map[string][]string{}
		for _, line := range dump(t, `"customer":{"Value":"c-near`) {
			_, key, _ := strings.Cut(line, `"customer":{"Value":"`)
			key, _, _ = strings.Cut(key, `"`)
			all[key] = append(all[key], line)
		}
		return all
	}
	standing := collections()
	if len(standing) != 9 {
		t.Fatalf("%d customers: %v", len(standing), standing)
	}
	for _, next := range []struct{ account, code string }{
		{"c-near#b", "c"}, {"c-near", "b#c"}, {"c-near", "b%23c"}, {"c-near%23b", "c"}, {"c-near#b#c", "d"},
		{"c-near", "77"}, {"c-near", "777"}, {"c-near", "7777"}, {"c-near2", "777"},
	} {
		if r := send(t, "POST", "/", formOf(next.account, next.code, "output", "JSON"),
			urlencoded); !strings.Contains(r.Body, `"deleted"`) {
			t.Fatal(r.Body)
		}
		after := collections()
		gone := store.CustomerKey(next.account, next.code)
		delete(standing, gone)
		for _, line := range after[gone] {
			if !strings.Contains(line, "tombstone") {
				t.Errorf("%s was deleted and leaves %s", gone, line)
			}
		}
		for key, lines := range standing {
			if !slices.Equal(after[key], lines) {
				t.Errorf("%s was deleted, and %s is now %s", gone, key, after[key])
			}
		}
	}
	for _, account := range []string{"c-near#b", "c-near", "c-near%23b", "c-near#b#c", "c-near2"} {
		passWriterLifetime(t, account)
	}
	if left := collections(); len(left) != 0 {
		t.Errorf("left after the end: %v", left)
	}
}

// One deletion makes no round trip that it could do without: what is little goes with the
// transaction that opens the erasure.
func TestCustomerRoundTrips(t *testing.T) {
	const account, few, many = "c-trips", "5234567890123456", "5234567890123457"
	openAccount(t, account, 3, few)
	addCustomers(t, account, 25, many)
	for code, want := range map[string][]string{
		few:  {"BatchGetItem Query TransactWriteItems"},
		many: {"BatchGetItem Query TransactWriteItems BatchWriteItem Query UpdateItem"},
	} {
		calls := invocations(t, func() {
			if r := send(t, "POST", "/", formOf(account, code), urlencoded); r.Body != goneXML(code) {
				t.Error(r.Body)
			}
		})
		if !slices.Equal(calls, want) {
			t.Errorf("one deletion took %q, want %q", calls, want)
		}
	}
}

// Nothing of a deleted customer is left anywhere, and the others of its account are as
// they were.
func TestDeletedCustomerIsGoneEverywhere(t *testing.T) {
	openAccount(t, "e1", 60, "4711001", "4711002", "47110010")
	others := func() []string {
		return slices.DeleteFunc(dump(t, "e1#"),
			func(line string) bool { return strings.Contains(line, `e1#4711001"`) })
	}
	before := others()
	for _, try := range []string{"first", "repeat at once"} {
		r := send(t, "POST", "/", formOf("e1", "4711001"), urlencoded)
		if r.Status != 200 || r.Body != goneXML("4711001") {
			t.Fatalf("%s: %d %s", try, r.Status, r.Body)
		}
	}
	if left := dump(t, "mark of e1 4711001"); !onlyLonger(left, "mark of e1 4711001", "mark of e1 47110010") {
		t.Errorf("left after the answer: %s", left)
	}
	// The tombstone and the job stay until no writer can be late any more; then no string
	// of the customer is left.
	passWriterLifetime(t, "e1")
	if left := dump(t, `4711001"`); len(left) != 0 {
		t.Errorf("a trace of the code: %s", left)
	}
	if after := others(); !slices.Equal(before, after) {
		t.Errorf("other customers changed:\n%s\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	records := slices.DeleteFunc(dump(t, `"statement":{"Value":"`),
		func(line string) bool { return !strings.Contains(line, `"scope":{"Value":"e1"}`) })
	if len(records) != 1 || !strings.Contains(records[0], `"deleted":{"Value":"61"}`) ||
		!strings.Contains(records[0], `"found":{"Value":"61"}`) {
		t.Errorf("records: %s", records)
	}
	if r := send(t, "POST", operation.DeleteCustomer.Paths[0], formOf("e1", "4711001", "output", "JSON", "condensed", "yes"),
		urlencoded); r.Body != client.Deleted(client.JSON, "4711001").Body {
		t.Errorf("a repeat after the end: %s", r.Body)
	}
}

// onlyLonger says whether the marker stands in the lines only as a part of the longer
// one.
func onlyLonger(lines []string, marker, longer string) bool {
	for _, line := range lines {
		if strings.Count(line, marker) != strings.Count(line, longer) {
			return false
		}
	}
	return true
}
