package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/testkit/frontdoor"
	"customercare/shared/gateway"
	"customercare/shared/respond"
)

// FuzzBody: any body is refused with a sentence, or asks for a hold that can be written.
func FuzzBody(f *testing.F) {
	for _, body := range []string{
		ofCustomer, ofNumber, `{"customer":{}}`, `{"number":null}`, `[]`, ``, `{`, `{"reason":"\u0000"}`,
		`{"customer":{"accountId":"shop","code":"1"},"reason":"` + strings.Repeat("ä", 501) + `"}`,
		`{"number":{"tenantId":"acme","customNo":"135"},"reason":"r","until":"9999-12-31T23:59:60Z"}`,
		`{"customer":{"accountId":"shop","code":"1","code":"2"}}`, `{"Customer":{}}`, `{"reason":"\ud800"}`,
	} {
		f.Add([]byte(body))
	}
	now := time.Date(2026, 11, 27, 10, 11, 12, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		call := &gateway.Call{Body: body}
		var asked request
		err := call.DecodeJSON(&asked, "customer", "number", "reason", "until")
		if err == nil {
			hold, wrong := asked.hold(now)
			if err = wrong; err == nil {
				if _, err := json.Marshal(answerOf(hold)); err != nil || hold.Subject == "" || hold.Scope == "" || hold.Reason == "" {
					t.Fatalf("%q asks for %s, %v", body, repr.String(hold), err)
				}
				return
			}
		}
		frontdoor.Sentence(t, respond.AsError(err).Sentence)
	})
}
