package main

import (
	"strings"
	"testing"

	"customercare/infra/testkit/frontdoor"
)

// Whatever is wrong with who calls, the whole function makes the same calls of DynamoDB
// and answers the same: an unknown user, a wrong key, and a right key with a foreign
// account, which alone has an audit line that names the caller. The reading of the
// customer ends with the answer, so that nobody can tell whether it went out.
func TestRefusalsMakeTheSameCalls(t *testing.T) {
	for _, known := range []bool{true, false} {
		first := ""
		for _, change := range [][2]string{{"user_id=john", "user_id=jane"}, {"=key", "=wrong"}, {"account_id=a", "account_id=b"}} {
			d := door(t, known)
			a := d.Send(t, frontdoor.Request{
				Method: "POST", Path: "/", Header: [][2]string{{"Content-Type", urlencoded}},
				Body: []byte(strings.Replace(goodForm, change[0], change[1], 1)),
			})
			told := a.Body
			for _, call := range d.Database.Calls() {
				if call.Action != "Query" {
					told += " " + call.Action
				}
			}
			if first == "" {
				first = told
			}
			if told != first || strings.Count(told, "Item") != 2 {
				t.Errorf("%s: %s, the one before: %s", change[1], told, first)
			}
		}
	}
}
