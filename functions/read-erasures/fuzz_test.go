package main

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/caller"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// door is the function with one API user, on tables without an erasure.
func door(f testing.TB) frontdoor.Door {
	db := &frontdoor.Database{Strict: true, Principals: map[string]string{
		"apiUser#john": `{"principal":{"S":"apiUser#john"},"hashes":{"L":[{"S":"` + principal.Hash("key") +
			`"}]},"accounts":{"L":[{"S":"shop"}]}}`,
	}}
	principals := store.Principals{DB: db.Client(), Table: "Principals"}
	return frontdoor.New(f, db, handler{
		door: caller.Door{
			Directory: principal.Directory{
				Principals: principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
			},
			Tokens: principal.Tokens{Principals: principals, Now: time.Now},
		},
		ledger: store.Erasures{DB: db.Client(), Table: "Erasures"}, index: "unlogged",
		log: store.Log{DB: db.Client(), Table: "Log"},
		keys: &keys{now: time.Now, read: func(context.Context) (map[string][]byte, error) {
			return map[string][]byte{"1": []byte("key")}, nil
		}},
	}.endpoint().Handler())
}

// john is his Authorization header.
var john = [2]string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("john:key"))}

// sendTo sends a call by a route, which stands in the event as API Gateway puts it there.
func sendTo(t testing.TB, door frontdoor.Door, route operation.Route, id string, body []byte) (status int, text string) {
	t.Helper()
	event := frontdoor.Request{
		Method: route.Method, Path: route.Path, Params: map[string]string{"id": id}, Header: [][2]string{john}, Body: body,
	}.Event()
	event.Resource = route.Path
	answer, ok := door.SendRaw(t, frontdoor.Marshal(t, event))
	if !ok {
		t.Fatal("the function was not reached")
	}
	if media := answer.MultiValueHeaders["Content-Type"][0]; answer.StatusCode != 200 {
		var p respond.Problem
		frontdoor.ReadJSON(t, answer.Body, &p)
		frontdoor.Sentence(t, p.Detail)
		if media != "application/problem+json" || p.Status != answer.StatusCode {
			t.Errorf("%s: %s", media, answer.Body)
		}
	}
	return answer.StatusCode, answer.Body
}

// FuzzID: any id is answered in the same way, and one of another form is looked for
// nowhere.
func FuzzID(f *testing.F) {
	for _, id := range []string{
		"20261127T101112Z-0123456789abcdef", "20261127T101112Z-0123456789ABCDEF", "", "%", "%2F", "..", "\x00", "é",
		"20261127%5410111%32Z-0123456789abcdef", "20261127T101112Z-0123456789abcdef/", "checkpoint",
	} {
		f.Add(id)
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, id string) {
		status, body := sendTo(t, door, operation.ReadErasure, id, nil)
		if status != 404 || body != noErasure {
			t.Errorf("%q: %d %s", id, status, body)
		}
		text, err := url.PathUnescape(strings.ToValidUTF8(id, "\uFFFD")) // as JSON carries it
		looked := 0
		for _, call := range door.Database.Calls() {
			if call.Action == "GetItem" {
				looked++
			}
		}
		if want := err == nil && store.IsID(text); want != (looked == 1) || looked > 1 {
			t.Errorf("%q was looked for %d times", id, looked)
		}
	})
}

// FuzzBody: any body is refused, or its erasure is looked for, and nothing fails.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		`{"subjects":["135"]}`, `{"subject":"135"}`, `{"subjects":[]}`, `{"subjects":null}`, `{"subject":null}`, `{"subject":""}`,
		`{"subjects":[null]}`, `{"subjects":["\u0000"]}`, `{"subjects":["` + strings.Repeat("x", 129) + `"]}`, `[]`, ``, `{`,
		`{"subjects":["1"],"subjects":["2"]}`, `{"Subject":"1"}`, `{"subject":"\ud800"}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	door := door(f)
	f.Fuzz(func(t *testing.T, body []byte, many bool) {
		route := operation.ReadReceiptFor
		if many {
			route = operation.ReadSubjects
		}
		status, _ := sendTo(t, door, route, "20261127T101112Z-0123456789abcdef", body)
		if status != 404 && status != 400 && status != 413 {
			t.Errorf("%q: %d", body, status)
		}
	})
}
