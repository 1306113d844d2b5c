package main

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/caller"
	"customercare/shared/digest"
	"customercare/shared/erasure"
	"customercare/shared/operation"
	"customercare/shared/principal"
	"customercare/shared/respond"
	"customercare/shared/store"
)

// FuzzBody: any body is refused with a sentence, or looked for, and nothing is written.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		ofCustomer, ofNumbers, `{"customer":{}}`, `{"numbers":{}}`, `{"customer":null}`, `{"numbers":{"customNos":[null]}}`, `[]`, ``, `{`,
		`{"customer":{"accountId":"shop","code":"\u0000"}}`, `{"customer":{"accountId":"shop","code":"` + strings.Repeat("x", 129) + `"}}`,
		`{"customer":{"accountId":"shop","code":"1","code":"2"}}`, `{"Customer":{}}`, `{"customer":{"accountId":"shop","code":"\ud800"}}`,
	} {
		f.Add([]byte(body))
	}
	db := &frontdoor.Database{Strict: true, Principals: map[string]string{
		"apiUser#john": `{"principal":{"S":"apiUser#john"},"hashes":{"L":[{"S":"` + principal.Hash("key") +
			`"}]},"accounts":{"L":[{"S":"shop"}]}}`,
	}}
	principals := store.Principals{DB: db.Client(), Table: "Principals"}
	door := frontdoor.New(f, db, handler{
		door: caller.Door{
			Directory: principal.Directory{
				Principals: principals, Guard: principal.Guard{Limit: 10, Window: 5 * time.Minute}, Now: time.Now,
			},
			Tokens: principal.Tokens{Principals: principals, Now: time.Now},
		},
		preview: erasure.NewPreview(
			store.Erasures{DB: db.Client(), Table: "Erasures"}, store.Customers{DB: db.Client(), Table: "Customers"},
			store.Contacts{DB: db.Client(), Table: "Contacts"}, store.Holds{DB: db.Client(), Table: "Holds"},
			digest.Digester{Current: "1", Keys: map[string][]byte{"1": []byte("key")}}, time.Now,
		),
		now: time.Now,
	}.endpoint().Handler())
	john := "Basic " + base64.StdEncoding.EncodeToString([]byte("john:key"))
	f.Fuzz(func(t *testing.T, body []byte) {
		event := frontdoor.Request{
			Method: "POST", Path: operation.PreviewErasure.Path, Header: [][2]string{{"Authorization", john}}, Body: body,
		}.Event()
		event.Resource = operation.PreviewErasure.Path
		answer, ok := door.SendRaw(t, frontdoor.Marshal(t, event))
		if !ok {
			t.Fatal("the function was not reached")
		}
		switch answer.StatusCode {
		case 200:
		case 400, 403, 413:
			var p respond.Problem
			frontdoor.ReadJSON(t, answer.Body, &p)
			frontdoor.Sentence(t, p.Detail)
		default:
			t.Errorf("%q: %d %s", body, answer.StatusCode, answer.Body)
		}
		for _, call := range door.Database.Calls() {
			if call.Action != "Query" && call.Action != "BatchGetItem" {
				t.Errorf("%q: the call %s", body, call.Action)
			}
		}
	})
}
