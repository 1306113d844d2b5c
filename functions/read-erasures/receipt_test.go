package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/alecthomas/repr"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/infra/attribute"
	"customercare/shared/operation"
	"customercare/shared/receipt"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// Receipts that their readers can verify, of the newest statement that is sealed; and
// none that does not verify.
func TestReceipts(t *testing.T) {
	w := newWorld(t)
	for n := 10; n < 300; n++ { // more than a tile
		w.append(t, w.accept(t, n, statement.Numbers, "x", "1", fmt.Sprint(n)), "a", false)
	}
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135", "136", "wen%11")
	for _, route := range []operation.Route{operation.ReadReceipt, operation.ReadReceiptFor} {
		got := w.ask(t, "ak", route, id(1), `{"subject":"136"}`)
		if got.StatusCode != 404 || got.MultiValueHeaders["Retry-After"][0] != "60" || got.Body == noErasure {
			t.Errorf("nothing is sealed: %d %s", got.StatusCode, got.Body)
		}
	}
	verifier, _ := note.NewVerifier(w.verifierKey)
	verify := func(route operation.Route, body string) receipt.Verified {
		t.Helper()
		got := w.ask(t, "ak", route, id(1), body, [2]string{"Accept", "text/*"})
		v, err := receipt.Verify([]byte(got.Body), note.VerifierList(verifier))
		if err != nil || got.StatusCode != 200 || got.MultiValueHeaders["Content-Type"][0] != "text/plain; charset=utf-8" {
			t.Errorf("%v: %d %s", err, got.StatusCode, got.Body)
		}
		return v
	}
	outcomes := map[string]string{statement.Accepted: "", statement.Erased: "e"}
	for _, name := range []string{"a", "e"} {
		kind := statement.Accepted
		if name == "e" {
			kind = statement.Erased
			w.end(t, 1, record, store.Outcomes{0b000001}, "135", "136", "wen%11")
			if v := verify(operation.ReadReceipt, ""); v.Statement.Type != statement.Accepted { // its end is not sealed
				t.Errorf("%s", repr.String(v.Statement))
			}
			if v := verify(operation.ReadReceiptFor, `{"subject":"136"}`); v.Subject == nil || v.Subject.Outcome != "" {
				t.Errorf("%s", repr.String(v))
			}
		}
		w.append(t, record, name, true)
		w.seal(t)
		if v := verify(operation.ReadReceipt, ""); v.Statement.Type != kind || v.Subject != nil || v.Statement.ID != id(1) {
			t.Errorf("%s", repr.String(v))
		}
		for i, subject := range []string{"135", "136", "wen%11"} {
			want := outcomes[kind]
			if i > 0 && want != "" {
				want = "n"
			}
			v := verify(operation.ReadReceiptFor, `{"subject":"`+subject+`"}`)
			if v.Subject == nil || v.Subject.Index != i || v.Subject.Outcome != want ||
				v.Subject.Subject != "number#acme#"+strings.ReplaceAll(subject, "%", "%25") {
				t.Errorf("%+v", v.Subject)
			}
		}
	}
	expect(t, w.ask(t, "ak", operation.ReadReceiptFor, id(1), `{"subject":"137"}`), 404,
		problem(404, "Not Found", "subject was not asked for in this erasure"))
	if got := w.ask(t, "ak", operation.ReadCheckpoint, "", ""); !strings.HasPrefix(got.Body, "log.example\n292\n") {
		t.Error(got.Body)
	}
	expect(t, w.ask(t, "ak", operation.ReadLogKey, "", ""), 200, w.verifierKey+"\n")
	failed := problem(500, "Internal Server Error", "The service failed, try again")
	for name, change := range map[string]func(item){
		"another statement": func(r item) { r["statement"] = r["accepted"] },
		"another leaf":      func(r item) { r["endLeaf"] = attribute.Number(5) },
		"no such leaf":      func(r item) { r["endLeaf"] = attribute.Number(500) },
	} {
		changed := item{}
		for name, value := range record {
			changed[name] = value
		}
		change(changed)
		w.Put(t, w.Erasures.Table, changed)
		t.Run(name, func(t *testing.T) { expect(t, w.ask(t, "ak", operation.ReadReceipt, id(1), ""), 500, failed) })
	}
	w.Put(t, w.Erasures.Table, record)
	w.stored[tlog.StoredHashIndex(0, 291)][0] ^= 1
	w.seal(t) // over a tree that does not have the statements
	expect(t, w.ask(t, "ak", operation.ReadReceipt, id(1), ""), 500, failed)
}

// Every erasure is listed once, the newest first, whatever is sealed while the pages are
// turned.
func TestList(t *testing.T) {
	w := newWorld(t)
	records := map[int]item{}
	var want []string
	for n := range 60 {
		records[n] = w.accept(t, n, statement.Numbers, "acme", "1", fmt.Sprint(n))
		want = append([]string{id(n)}, want...)
		if n < 30 {
			w.append(t, records[n], "a", n < 25) // the sealer has died before it had marked the last
			if n%3 == 0 {
				w.end(t, n, records[n], store.Outcomes{1}, fmt.Sprint(n))
				if n < 20 {
					w.append(t, records[n], "e", true)
				}
			}
		}
	}
	w.Put(t, w.Erasures.Table, item{ // without an acceptance it is none
		"erasureId": attribute.Text("erasure-" + id(61)), "statement": records[0]["accepted"],
		"unlogged": attribute.Text("0"), "unloggedAt": attribute.Number(1),
	})
	w.seal(t)
	var got []string
	next, pages := "", 0
	for {
		query := [2]string{"?", "limit=7"}
		if next != "" {
			query = [2]string{"?", "before=" + next}
		}
		answer := w.ask(t, "csr", operation.ListErasures, "", "", query)
		var page listAnswer
		if err := json.Unmarshal([]byte(answer.Body), &page); err != nil || answer.StatusCode != 200 || len(page.Erasures) > 10 {
			t.Fatalf("%d %s", answer.StatusCode, answer.Body)
		}
		for _, row := range page.Erasures {
			got = append(got, row.ID)
		}
		link := strings.Join(answer.MultiValueHeaders["Link"], "")
		if link == "" {
			break
		}
		_, next, _ = strings.Cut(strings.TrimSuffix(link, `>; rel="next"`), "before=")
		if pages++; pages == 2 { // all is sealed meanwhile, in another order, and a new one comes
			for n := 59; n >= 30; n-- {
				w.append(t, records[n], "a", true)
			}
			w.seal(t)
			w.accept(t, 70, statement.Numbers, "acme", "1", "70")
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%d listed, want %d:\n%v", len(got), len(want), got)
	}
	for _, wrong := range []string{
		"limit=0", "limit=101", "limit=", "limit=x", "limit=+1", "limit=01", "before=", "before=x", "before=-1", "before=007",
		"before=1-", "before=1-x", "before=999", "before=99999999999999999999", "before=1&before=1", "limit=1&limit=1",
	} {
		if answer := w.ask(t, "csr", operation.ListErasures, "", "", [2]string{"?", wrong}); answer.StatusCode != 400 {
			t.Errorf("%s: %d %s", wrong, answer.StatusCode, answer.Body)
		}
	}
}
