package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"context"

	"customercare/infra/attribute"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// TestEveryCallFails: whichever call of the database fails, and in which way, an answer
// is the one that it would have been, or a problem of the service with one of its
// sentences. It never says that an erasure is not there, or that less is sealed, and has
// nothing of the SDK's.
func TestEveryCallFails(t *testing.T) {
	w := newWorld(t)
	for n := 10; n < 40; n++ {
		w.append(t, w.accept(t, n, statement.Numbers, "acme", "1", "135"), "a", true)
	}
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135", "136")
	w.append(t, record, "a", true)
	w.seal(t)
	w.end(t, 1, record, store.Outcomes{1}, "135", "136")
	w.append(t, record, "e", true)
	w.seal(t)
	open := w.accept(t, 2, statement.Numbers, "acme", "1", "135")
	w.append(t, open, "a", true)
	w.seal(t)
	faults := []dynamotest.Fault{
		dynamotest.Before, dynamotest.After, dynamotest.Throttle, dynamotest.Timeout, dynamotest.Refused, dynamotest.Unprocessed,
	}
	for _, call := range []struct {
		by    string
		route operation.Route
		id    string
		body  string
	}{
		{"ak", operation.ReadErasure, id(1), ""}, {"ak", operation.ReadErasure, id(2), ""},
		{"ak", operation.ReadSubjects, id(1), `{"subjects":["135","136","137"]}`},
		{"ak", operation.ReadReceipt, id(1), ""}, {"ak", operation.ReadReceiptFor, id(1), `{"subject":"136"}`},
		{"csr", operation.ListErasures, "", ""}, {"ak", operation.ReadCheckpoint, "", ""}, {"ak", operation.ReadLogKey, "", ""},
		{"ak", operation.ReadErasure, id(99), ""},
	} {
		want := w.ask(t, call.by, call.route, call.id, call.body)
		for _, fault := range faults {
			for _, more := range []int{0, 30} { // once, or also the tries after it
				failed := 0
				dynamotest.EveryMoment(t, func(t *testing.T, k int) (struck bool) {
					w.Faults.Inject(fault, k, k+more)
					got := w.ask(t, call.by, call.route, call.id, call.body)
					struck = w.Faults.Struck()
					if got.StatusCode == want.StatusCode && got.Body == want.Body {
						return struck
					}
					failed++
					var p struct{ Detail string }
					_ = json.Unmarshal([]byte(got.Body), &p)
					sentence := p.Detail == "The service failed, try again" || p.Detail == "The service is busy, try again in a moment"
					if !struck || got.StatusCode != 500 && got.StatusCode != 503 || !sentence {
						t.Errorf("%s %s, %s of call %d: %d %s", call.route.Method, call.route.Path, fault, k, got.StatusCode, got.Body)
					}
					return struck
				})
				w.Faults.Inject("", 0, 0)
				if failed == 0 && more > 0 && fault == dynamotest.Refused {
					t.Errorf("%s %s: no call failed by %s", call.route.Method, call.route.Path, fault)
				}
			}
		}
	}
}

// TestKeysFail: keys of digests that cannot be read are no answer that a subject was not
// asked for.
func TestKeysFail(t *testing.T) {
	w := newWorld(t)
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135")
	w.append(t, record, "a", true)
	w.seal(t)
	w.keys.read = func(context.Context) (map[string][]byte, error) {
		return nil, errors.New("operation error Secrets Manager: GetSecretValue, 135")
	}
	busy := problem(503, "Service Unavailable", "The service is busy, try again in a moment")
	expect(t, w.ask(t, "ak", operation.ReadSubjects, id(1), `{"subjects":["135"]}`), 503, busy)
	expect(t, w.ask(t, "ak", operation.ReadReceiptFor, id(1), `{"subject":"135"}`), 503, busy)
	if got := w.ask(t, "ak", operation.ReadReceipt, id(1), ""); got.StatusCode != 200 {
		t.Errorf("a receipt that names no subject needs no key: %d %s", got.StatusCode, got.Body)
	}
}

// TestDestroyedKeys: the record of a key's end is for operators. They see its status and
// its receipt, and the list with it; the others see what is not there.
func TestDestroyedKeys(t *testing.T) {
	w := newWorld(t)
	said := statement.Statement{
		Type: statement.KeyDestroyed, ID: id(7), By: "csr", Key: "2024", At: statement.TimeOf(begin),
	}
	record := item{
		"erasureId": attribute.Text("erasure-" + id(7)), "kind": attribute.Text("key"), "requestedBy": attribute.Text("csr"),
		"requestedAt": attribute.Number(begin.UnixMilli()), "statement": attribute.Text(string(said.Line())), "state": attribute.Text("done"),
	}
	w.append(t, record, "e", true)
	w.seal(t)
	for _, by := range []string{"john", "ak"} {
		for _, route := range []operation.Route{operation.ReadErasure, operation.ReadReceipt} {
			expect(t, w.ask(t, by, route, id(7), ""), 404, noErasure)
		}
	}
	got := w.ask(t, "csr", operation.ReadErasure, id(7), "")
	if got.StatusCode != 200 || !strings.Contains(got.Body, `"status":"key-destroyed"`) || !strings.Contains(got.Body, `"kind":"key"`) ||
		strings.Contains(got.Body, "outcomes") || !strings.Contains(got.Body, `"key-destroyed":{"leaf":0`) {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	if got := w.ask(t, "csr", operation.ReadReceipt, id(7), ""); got.StatusCode != 200 || !strings.HasPrefix(got.Body, "c2sp.org/tlog-proof@v1") {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
	for _, call := range []struct {
		route operation.Route
		body  string
	}{{operation.ReadSubjects, `{"subjects":["135"]}`}, {operation.ReadReceiptFor, `{"subject":"135"}`}} {
		if got := w.ask(t, "csr", call.route, id(7), call.body); strings.Contains(got.Body, `"erased"`) || got.StatusCode/100 == 5 {
			t.Errorf("%s: %d %s", call.route.Path, got.StatusCode, got.Body)
		}
	}
	if got := w.ask(t, "csr", operation.ListErasures, "", ""); got.StatusCode != 200 {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
}

// TestOneUnreadableStatement: a statement that cannot be read is left out of the list,
// and keeps no other erasure from it.
func TestOneUnreadableStatement(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 3; n++ {
		record := w.accept(t, n, statement.Numbers, "acme", "1", "135")
		w.append(t, record, "a", true)
		w.end(t, n, record, store.Outcomes{1}, "135")
		w.append(t, record, "e", true)
		if n == 2 {
			record["statement"] = attribute.Text("{")
			w.Put(t, w.Erasures.Table, record)
		}
	}
	w.seal(t)
	got := w.ask(t, "csr", operation.ListErasures, "", "")
	if got.StatusCode != 200 || !strings.Contains(got.Body, id(1)) || strings.Contains(got.Body, id(2)) || !strings.Contains(got.Body, id(3)) {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
}
