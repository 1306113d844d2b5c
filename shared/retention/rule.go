// Package retention is the rules by which data is kept no longer than needed: what a rule
// says, which rules may stand beside each other, and what must have happened before one
// is switched on.
//
// It knows no table. customercare retention makes and switches rules, package store keeps
// them, and who applies a rule decides by Cutoff on each item as it stands.
package retention

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

// What is a kind of data that a rule takes away, and says how old it is.
type What string

const (
	// Contacts are as old as their time `at`. A contact goes with all of its copies.
	Contacts What = "contacts"
	// Transactions are as old as their time `at`.
	Transactions What = "transactions"
	// Customers are as old as their last activity, `activeAt`, which the company's
	// writers keep. One without it stays: nobody can tell how old it is. A customer goes
	// by an erasure like any other, with all that stands with it.
	Customers What = "customers"
	// Users are as old as their last activity, `activeAt`: the last time that operation 1
	// or 2 changed them. A user without it stays.
	Users What = "users"
	// Principals are as old as the end of their time, `validUntil`. One without such an
	// end stays.
	Principals What = "principals"
	// Records of the ledger are as old as the end of their erasure. That of an open one
	// stays, whatever its age, and so does one whose statements are not sealed.
	Records What = "records"
)

// scopes says of what kind of scope the data of a kind is: a tenant's, an account's, or
// "", which is the whole stack's.
var scopes = map[What]string{
	Contacts: "tenant", Transactions: "account", Customers: "account", Users: "", Principals: "", Records: "",
}

const day = 24 * time.Hour

// Bounds of a rule's age, in days. leastOfRecords is how long a record must be kept at
// least, so that whoever asked can still ask what became of it.
const (
	least          = 1
	most           = 36_500
	leastOfRecords = 730
)

// Rule is a rule as it was set. Its scope is empty for all of the stack.
type Rule struct {
	Name    string `json:"name"`
	What    What   `json:"what"`
	Days    int    `json:"days"`              // how old the data must be
	Tenant  string `json:"tenant,omitempty"`  // of contacts
	Account string `json:"account,omitempty"` // of customers and transactions
}

// named is what a rule may be called. It is not made at a function's start: package store
// brings it into functions that have no rules.
var named = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`) })

// scope is the tenant or the account that the rule is for, "" for all.
func (r Rule) scope() string {
	if r.Tenant != "" {
		return r.Tenant
	}
	return r.Account
}

// of is the scope in words.
func (r Rule) of() string {
	switch {
	case r.Tenant != "":
		return "of tenant " + r.Tenant
	case r.Account != "":
		return "of account " + r.Account
	}
	return "of the whole stack"
}

// Cutoff is the time before which data must lie for the rule to take it, at a time by the
// clock of who applies it. skew is how far that clock may go before another one: no data
// is taken that is younger by any clock.
func (r Rule) Cutoff(now time.Time, skew time.Duration) time.Time {
	return now.Add(-skew).Add(-time.Duration(r.Days) * day)
}

// Valid says in a sentence why a rule cannot be set, nil where it can.
func (r Rule) Valid() error {
	scope, known := scopes[r.What]
	switch {
	case !named().MatchString(r.Name):
		return errors.New("a rule's name has 1 to 64 lower-case letters, digits and hyphens, and begins with no hyphen")
	case !known:
		return errors.New("a rule is about contacts, transactions, customers, users, principals or records")
	case r.Days < 0:
		return errors.New("an age cannot be negative: the cutoff would lie in the future")
	case r.Days < least:
		return errors.New("an age is at least one day: the cutoff of a rule lies in the past")
	case r.Days > most:
		return fmt.Errorf("an age is at most %d days", most)
	case r.What == Records && r.Days < leastOfRecords:
		return fmt.Errorf("records of the ledger are kept for at least %d days", leastOfRecords)
	case r.Tenant != "" && r.Account != "":
		return errors.New("a rule is for a tenant or for an account, not for both")
	case r.Tenant != "" && scope != "tenant":
		return fmt.Errorf("%s belong to no tenant", r.What)
	case r.Account != "" && scope != "account":
		return fmt.Errorf("%s belong to no account", r.What)
	}
	return nil
}

// meets says whether some data may be in the scope of both rules.
func (r Rule) meets(other Rule) bool {
	return r.scope() == "" || other.scope() == "" || r.scope() == other.scope()
}

// Beside says in a sentence why a rule cannot stand beside another one, nil where it can.
// A rule stands in the place of the one with its own name.
func (r Rule) Beside(other Rule) error {
	if r.Name == other.Name || !r.meets(other) {
		return nil
	}
	if r.What == other.What {
		return fmt.Errorf("the rule %s is about %s %s already: two rules of the same data would overlap",
			other.Name, other.What, other.of())
	}
	customers, transactions := r, other
	if r.What == Transactions {
		customers, transactions = other, r
	}
	if customers.What == Customers && transactions.What == Transactions && customers.Days < transactions.Days {
		return fmt.Errorf("the rules contradict each other: %s keeps transactions for %d days, "+
			"and %s takes customers with their transactions after %d",
			transactions.Name, transactions.Days, customers.Name, customers.Days)
	}
	return nil
}
