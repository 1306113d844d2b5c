package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"customercare/infra/attribute"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/statement"
	"customercare/shared/store"
)

// The statuses of an erasure from its acceptance to its end, to the letter.
func TestErasure(t *testing.T) {
	w := newWorld(t)
	record := w.accept(t, 1, statement.Customer, "shop", "1", "4711")
	head := `{"id":"` + id(1) + `","status":"%s","kind":"customer","scope":"shop","by":"somebody","accepted":"2026-11-27T10:11:12.345Z",`
	open := func(status string, found, failing int, log, links string) string {
		return fmt.Sprintf(head+`"found":%d,"erased":%d,"failing":%d,"log":{%s},"links":{%s}}`, status, found, found, failing, log, links)
	}
	expect(t, w.ask(t, "john", operation.ReadErasure, id(1), ""), 200, open("accepted", 0, 0, "", ""))
	set := func(more item) {
		all := item{
			"erasureId": record["job"], "id": attribute.Text(id(1)), "openShard": attribute.Text("0"),
			"dueAt": attribute.Number(1), "found": attribute.Number(3), "deleted": attribute.Number(3),
		}
		for name, value := range more {
			all[name] = value
		}
		w.Put(t, w.Erasures.Table, all)
	}
	one, two := attribute.Number(1), attribute.Number(2)
	set(item{"fence": one, "leaseUntil": one})
	expect(t, w.ask(t, "john", operation.ReadErasure, id(1), ""), 200, open("erasing", 3, 0, "", ""))
	set(item{"fence": one, "counted": one}) // all went with the opening
	expect(t, w.ask(t, "john", operation.ReadErasure, id(1), ""), 200, open("verifying", 3, 0, "", ""))
	set(item{"fence": two, "counted": one, "leaseUntil": one}) // not all: somebody is at it again
	expect(t, w.ask(t, "john", operation.ReadErasure, id(1), ""), 200, open("erasing", 3, 0, "", ""))
	set(item{"fence": two, "counted": two, "passes": attribute.Number(0), "failures": two})
	expect(t, w.ask(t, "csr", operation.ReadErasure, id(1), ""), 200, open("erasing", 3, 2, "", ""))
	w.Faults.Calls()
	w.ask(t, "csr", operation.ReadErasure, id(1), "")
	if calls := names(t, w.Faults.Calls()); calls != "BatchGetItem GetItem GetItem" { // and its job
		t.Errorf("one that is open needs the calls %s", calls)
	}
	w.append(t, record, "a", true)
	w.seal(t)
	set(item{"fence": one, "counted": one, "passes": one})
	const place = `{"leaf":0,"sealed":"2026-11-27T10:11:12.345Z"}`
	link := `"receipt":"/erasures/` + id(1) + `/receipt"`
	expect(t, w.ask(t, "csr", operation.ReadErasure, id(1), ""), 200, open("verifying", 3, 0, `"accepted":`+place, link))
	w.end(t, 1, record, store.Outcomes{1}, "4711")
	const end = "2026-11-27T10:21:12.345Z"
	done := fmt.Sprintf(head, "erased") + `"finished":"` + end + `","verified":"` + end + `","found":4,"erased":4,"failing":0,` +
		`"outcomes":{"erased":1,"not_found":0,"held":0},"backupsUntil":"` + end + `","log":{"accepted":` + place
	expect(t, w.ask(t, "john", operation.ReadErasure, id(1), ""), 200, done+`},"links":{`+link+`}}`)
	w.append(t, record, "e", true)
	w.seal(t)
	expect(t, w.ask(t, "csr", operation.ReadErasure, id(1), ""), 200,
		done+`,"erased":`+strings.Replace(place, "0", "1", 1)+`},"links":{`+link+`}}`)
	w.Faults.Calls()
	w.ask(t, "csr", operation.ReadErasure, id(1), "")
	if calls := names(t, w.Faults.Calls()); calls != "BatchGetItem GetItem" { // who asks, and the record
		t.Errorf("one that is over needs the calls %s", calls)
	}
}

// A job that ends between the two readings is read again.
func TestErasureThatEndsMeanwhile(t *testing.T) {
	w := newWorld(t)
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135")
	job := record["job"]
	for name, instead := range map[string]item{
		"the pointer to a record": {"erasureId": job, "record": attribute.Text("x")},
		"the next job": { // of a repeat that came late
			"erasureId": job, "id": attribute.Text(id(2)), "openShard": attribute.Text("0"), "fence": attribute.Number(1),
		},
	} {
		w.Put(t, w.Erasures.Table, instead)
		if got := w.ask(t, "ak", operation.ReadErasure, id(1), ""); got.StatusCode != 503 {
			t.Errorf("%s stands in place of its job: %d %s", name, got.StatusCode, got.Body)
		}
	}
	w.end(t, 1, record, store.Outcomes{1}, "135")
	if got := w.ask(t, "ak", operation.ReadErasure, id(1), ""); got.StatusCode != 200 || !strings.Contains(got.Body, `"erased"`) {
		t.Errorf("%d %s", got.StatusCode, got.Body)
	}
}

// Nobody can tell a foreign erasure from one that there is not, in any call, by any byte
// of the answer or by what it costs.
func TestForeignAndUnknownAreTheSame(t *testing.T) {
	w := newWorld(t)
	w.accept(t, 1, statement.Customer, "shop", "1", "4711")
	w.accept(t, 2, statement.Customer, "shop2", "1", "4711")
	w.accept(t, 3, statement.Numbers, "acme", "1", "135")
	w.accept(t, 4, statement.Numbers, "acme2", "1", "135")
	w.accept(t, 5, statement.Customer, "acme", "1", "135")
	w.accept(t, 6, statement.Numbers, "shop", "1", "4711")
	bodies := map[operation.Route]string{
		operation.ReadErasure: "", operation.ReadReceipt: "",
		operation.ReadSubjects: `{"subjects":["4711"]}`, operation.ReadReceiptFor: `{"subject":"4711"}`,
	}
	own := map[string]int{"john": 1, "ak": 3}
	for by, mine := range own {
		for route, body := range bodies {
			w.Faults.Calls()
			want := w.ask(t, by, route, id(99), body)
			reads := names(t, w.Faults.Calls())
			expect(t, want, 404, noErasure)
			if got := w.ask(t, by, route, id(mine), body); got.Body == want.Body {
				t.Errorf("%s does not see their own: %s", by, got.Body)
			}
			w.Faults.Calls()
			for n := 1; n <= 6; n++ {
				if n == mine {
					continue
				}
				got := w.ask(t, by, route, id(n), body)
				if calls := names(t, w.Faults.Calls()); !reflect.DeepEqual(got, want) || calls != reads {
					t.Errorf("%s, %s: %+v with %s, want %+v with %s", by, route, got, calls, want, reads)
				}
			}
			for _, wrong := range []string{
				"", "x", id(1) + "0", strings.Replace(id(1), "T", "t", 1), id(1)[:32], id(1)[:32] + "g", "%2e%2e", "%", "%00", "ä", "\xff",
				strings.Repeat("0", 64<<10), strings.Replace(id(1), "T", "%54", 1) + "%", "checkpoint", "erasure-" + id(1),
			} {
				got := w.ask(t, by, route, wrong, body)
				if calls := names(t, w.Faults.Calls()); !reflect.DeepEqual(got, want) || strings.Count(calls, " ") > 0 {
					t.Errorf("%s, %s, %.40q: %+v with %s", by, route, wrong, got, calls)
				}
			}
		}
	}
	if got := w.ask(t, "john", operation.ReadErasure, strings.Replace(id(1), "T", "%54", 1), ""); got.StatusCode != 200 {
		t.Errorf("an id is decoded once: %d", got.StatusCode)
	}
}

// A record that names no tenant is nobody's, and a principal of no known kind sees
// nothing.
func TestWhatIsNobodys(t *testing.T) {
	for _, reader := range []principal.Reader{
		{Kind: operation.App}, {Kind: operation.APIUser}, {Kind: operation.APIUser, TenantID: "shop"},
		{Kind: operation.App, Accounts: []string{"shop"}}, {}, {Kind: "x", Accounts: []string{"shop"}, TenantID: "shop"},
	} {
		for _, kind := range []string{statement.Customer, statement.Numbers, "key", ""} {
			for _, scope := range []string{"", "shop"} {
				if mayRead(reader, store.Record{Kind: kind, Scope: scope}) {
					t.Errorf("%+v sees what is of %q and %q", reader, kind, scope)
				}
			}
		}
	}
}

// Who is let in to what, and what the others are told.
func TestCallers(t *testing.T) {
	w := newWorld(t)
	w.accept(t, 1, statement.Customer, "shop", "1", "4711")
	for _, row := range []struct {
		by     string
		route  operation.Route
		status int
	}{
		{"csr", operation.ReadErasure, 200}, {"other", operation.ReadErasure, 403}, {"john", operation.ReadErasure, 200},
		{"ak", operation.ReadErasure, 404}, {"", operation.ReadErasure, 401}, {"Basic x", operation.ReadErasure, 401},
		{"Bearer x", operation.ReadErasure, 401}, {"Digest x", operation.ReadErasure, 401},
		{"csr", operation.ListErasures, 200}, {"other", operation.ListErasures, 403}, {"john", operation.ListErasures, 403},
		{"ak", operation.ListErasures, 403}, {"", operation.ListErasures, 401},
		{"csr", operation.ReadCheckpoint, 200}, {"other", operation.ReadCheckpoint, 200}, {"john", operation.ReadLogKey, 200},
		{"ak", operation.ReadLogKey, 200}, {"", operation.ReadLogKey, 401}, {"", operation.ReadCheckpoint, 401},
		{"bearer  " + w.token, operation.ReadLogKey, 200}, {"basic  am9objprZXk=", operation.ReadLogKey, 200}, // john:key
		{"Digest am9objprZXk=", operation.ReadLogKey, 401}, {"am9objprZXk=", operation.ReadLogKey, 401},
		{"Basic " + w.token, operation.ReadLogKey, 401}, {"Bearer am9objprZXk=", operation.ReadLogKey, 401},
	} {
		got := w.ask(t, row.by, row.route, id(1), "")
		challenge := strings.Join(got.MultiValueHeaders["Www-Authenticate"], "|")
		want := map[bool]string{true: `Basic realm="customercare", Bearer realm="customercare"`}[row.status == 401]
		if got.StatusCode != row.status || challenge != want {
			t.Errorf("%q, %s: %d %s %s", row.by, row.route.Path, got.StatusCode, challenge, got.Body)
		}
		if media := got.MultiValueHeaders["Content-Type"][0]; (media == "application/problem+json") != (row.status != 200) {
			t.Errorf("%q, %s: %s", row.by, row.route.Path, media)
		}
	}
	if got := w.ask(t, "csr", operation.ReadErasure, id(1), "", [2]string{"authorization", "Basic x"}); got.StatusCode != 401 {
		t.Errorf("two credentials: %d", got.StatusCode)
	}
	for i := range 10 {
		w.ask(t, fmt.Sprintf("Basic am9objp4%c%c==", 'A'+i, 'Q'), operation.ReadErasure, id(1), "")
	}
	if got := w.ask(t, "john", operation.ReadErasure, id(1), ""); got.StatusCode != 429 || got.MultiValueHeaders["Retry-After"][0] != "60" {
		t.Errorf("during a lock: %d %v", got.StatusCode, got.MultiValueHeaders)
	}
}

// What is refused before anybody is asked who they are, and before anything is read.
func TestMethodsAndMedia(t *testing.T) {
	w := newWorld(t)
	w.Faults.Calls()
	for _, row := range []struct {
		method, path, body, name, value string
		status                          int
		allow                           string
	}{
		{"HEAD", "/erasures", "", "", "", 405, "GET"}, {"PUT", "/erasures/{id}/receipt", "", "", "", 405, "GET, POST"},
		{"DELETE", "/erasures/{id}", "", "", "", 405, "GET"}, {"GET", "/erasures/{id}/subjects", "", "", "", 405, "POST"},
		{"GET", "/nowhere", "", "", "", 404, ""},
		{"GET", "/erasures/{id}", "", "Accept", "text/plain", 406, ""}, {"GET", "/ledger/key", "", "Accept", "application/json", 406, ""},
		{"GET", "/erasures/{id}/receipt", "", "Accept", "text/plain;q=0", 406, ""},
		{"POST", "/erasures/{id}/subjects", "x", "Content-Type", "text/plain", 415, ""},
		{"POST", "/erasures/{id}/subjects", "x", "Content-Encoding", "gzip", 415, ""},
		{"POST", "/erasures/{id}/subjects", strings.Repeat("x", 64<<10+1), "", "", 413, ""},
	} {
		got := w.ask(t, "csr", operation.Route{Method: row.method, Path: row.path}, id(1), row.body, [2]string{row.name, row.value})
		if allow := strings.Join(got.MultiValueHeaders["Allow"], "|"); got.StatusCode != row.status || allow != row.allow ||
			got.MultiValueHeaders["Cache-Control"][0] != "no-store" {
			t.Errorf("%s %s: %d %v %s", row.method, row.path, got.StatusCode, got.MultiValueHeaders, got.Body)
		}
	}
	if calls := w.Faults.Calls(); len(calls) > 0 {
		t.Errorf("calls: %v", calls)
	}
}

// Outcomes byte for byte, and only to who may ask.
func TestSubjects(t *testing.T) {
	w := newWorld(t)
	record := w.accept(t, 1, statement.Numbers, "acme", "1", "135", "136", "wen#11")
	body := `{"subjects":["136","135","wen#11","WEN#11","136"]}`
	answer := func(of map[string]string) string {
		var rows []string
		for _, subject := range []string{"136", "135", "wen#11", "WEN#11", "136"} {
			outcome := "null"
			if of[subject] != "" {
				outcome = `"` + of[subject] + `"`
			}
			rows = append(rows, `{"subject":"`+subject+`","outcome":`+outcome+`}`)
		}
		return `{"subjects":[` + strings.Join(rows, ",") + `]}`
	}
	expect(t, w.ask(t, "ak", operation.ReadSubjects, id(1), body), 200,
		answer(map[string]string{"135": "accepted", "136": "accepted", "wen#11": "accepted"}))
	w.end(t, 1, record, store.Outcomes{0b100001}, "135", "136", "wen#11")
	expect(t, w.ask(t, "csr", operation.ReadSubjects, id(1), body), 200,
		answer(map[string]string{"135": "erased", "136": "not_found", "wen#11": "held"}))
	for _, wrong := range []string{
		`{}`, `{"subjects":[]}`, `{"subjects":[""]}`, `{"subjects":[1]}`, `{"subjects":"135"}`, `[]`, ``, `{"Subjects":["1"]}`,
		`{"subjects":["` + strings.Repeat("1", 129) + `"]}`, `{"subjects":["\u0001"]}`, `{"subjects":["1"],"subjects":["1"]}`,
		`{"subjects":[` + strings.Repeat(`"1",`, 1000) + `"1"]}`,
	} {
		if got := w.ask(t, "ak", operation.ReadSubjects, id(1), wrong); got.StatusCode != 400 {
			t.Errorf("%.60s: %d %s", wrong, got.StatusCode, got.Body)
		}
	}
	for _, wrong := range []string{"", strings.Repeat("1", 129), `\u0001`} {
		if got := w.ask(t, "ak", operation.ReadReceiptFor, id(1), `{"subject":"`+wrong+`"}`); got.StatusCode != 400 {
			t.Errorf("the receipt of %.20q: %d %s", wrong, got.StatusCode, got.Body)
		}
	}
	w.accept(t, 2, statement.Numbers, "acme", "2", "135") // under a key that is gone
	gone := problem(410, "Gone", "The key of the digests of this erasure was destroyed, so nobody can tell any more whom it was about")
	expect(t, w.ask(t, "ak", operation.ReadSubjects, id(2), `{"subjects":["135"]}`), 410, gone)
	expect(t, w.ask(t, "ak", operation.ReadReceiptFor, id(2), `{"subject":"135"}`), 410, gone)
}
