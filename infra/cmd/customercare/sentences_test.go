package main

import (
	"strings"
	"testing"
	"time"

	"customercare/shared/receipt"
	"customercare/shared/statement"
)

// TestStatementsInWords: each type of statement has words of its own, in which no field
// stands that it does not have.
func TestStatementsInWords(t *testing.T) {
	at := statement.TimeOf(time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC))
	end := &statement.End{Finished: at, Verified: at, BackupsUntil: at}
	for words, s := range map[string]statement.Statement{
		"the erasure of a customer of the account shop was accepted": {
			Type: statement.Accepted, Kind: statement.Customer, Scope: "shop", By: "john", Accepted: at},
		"It was finished on":                 {Type: statement.Erased, Kind: statement.Numbers, Scope: "acme", By: "app", Accepted: at, End: end},
		"A part is held, and was not erased": {Type: statement.Partial, Kind: statement.Numbers, Scope: "acme", By: "app", Accepted: at, End: end},
		"csr placed the hold case-1 on a customer number of the tenant acme": {
			Type: statement.Held, Kind: statement.Number, Scope: "acme", By: "csr", Hold: "case-1", At: at},
		"was refused because of the hold case-1": {
			Type: statement.Held, Kind: statement.Customer, Scope: "shop", By: "john", Because: "case-1", At: at},
		"the hold case-1 on a customer of the account shop was released by csr": {
			Type: statement.Released, Kind: statement.Customer, Scope: "shop", By: "csr", Hold: "case-1", At: at},
		"the key of digests 2024 was destroyed": {Type: statement.KeyDestroyed, By: "csr", Key: "2024", At: at},
		"2 items were found: 1 erased, 1 kept because of holds, 0 left": {
			Type: statement.Retention, By: "retention", At: at, Swept: &statement.Swept{
				Rule: "old", What: "contacts", Days: 400, Scope: "acme", Cutoff: at, Found: 2, Erased: 1, Kept: 1}},
		"brought nobody back": {
			Type: statement.Restore, By: "csr", At: at, Restored: &statement.Restored{Table: "restored", To: at}},
		"A hold keeps 2 more items about somebody who was erased since.\n3 more items are there about somebody who came back": {
			Type: statement.Restore, By: "csr", At: at, Restored: &statement.Restored{To: at, Held: 2, Returned: 3}},
	} {
		s.ID = "an-id"
		said := strings.Join(sentences(receipt.Verified{Statement: s}), "\n")
		if !strings.Contains(said, words) || strings.Contains(said, "0001") || strings.Contains(said, "cannot put into words") {
			t.Errorf("%s: %q is not in\n%s", s.Type, words, said)
		}
	}
}
