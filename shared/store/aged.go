package store

import (
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/retention"
	"customercare/shared/rfc3339"
)

// Aged is what an item is to the rules of retention. A dry run and the function that
// applies rules both ask AgedItem, so that the one counts what the other takes.
type Aged struct {
	Scope string   // the tenant or the account, "" where the kind has neither
	Kind  string   // of whom it is: customer, number, user, principal; "" of a record
	Name  []string // the parts of the name; of a record the id of the erasure
	At    time.Time
	Known bool // At is known. What is of an age that nobody can tell stays
	Newer bool // a newer version has written it: it stays, too
}

// InScope says whether the item is one of those that the rule is about.
func (a Aged) InScope(rule retention.Rule) bool {
	scope := rule.Tenant + rule.Account // it has one of them at most
	return scope == "" || scope == a.Scope
}

// Due says whether the rule takes the item, as it was read, at this cutoff.
func (a Aged) Due(rule retention.Rule, cutoff time.Time) bool {
	return a.InScope(rule) && a.Known && !a.Newer && a.At.Before(cutoff)
}

// AgedAttributes is the projection of a table's items that AgedItem needs for a kind, and
// the names in it; nil for none.
func AgedAttributes(what retention.What) (projection string, names map[string]string) {
	switch what {
	case retention.Contacts:
		return "party, contact", nil
	case retention.Transactions:
		return "customer, #record, #data.#at", map[string]string{"#record": "record", "#data": "data", "#at": "at"}
	case retention.Customers:
		return "customer, #record, tombstone, activeAt", map[string]string{"#record": "record"}
	case retention.Users:
		return "customerId, activeAt", nil
	case retention.Principals:
		return "principal, validUntil, v", nil
	}
	return "erasureId, finishedAt, endSealedAt, v", nil
}

// AgedItem is what an item is to a rule about this kind; is says whether it is of the
// kind at all.
func AgedItem(what retention.What, item map[string]types.AttributeValue) (a Aged, is bool) {
	o := object(item)
	a.Newer = Newer(item)
	switch what {
	case retention.Contacts:
		if party := SplitKey(o.text("party")); len(party) == 2 {
			a.Scope, a.Kind, a.Name = party[0], "number", party
		}
		written, _, _ := strings.Cut(o.text("contact"), "#")
		a.At, a.Known = rfc3339.Parse(written)
		a.Known = a.Known && a.Name != nil
		return a, true
	case retention.Transactions:
		if _, ok := Campaign(o.text("record")); !ok {
			return a, false
		}
		if data, ok := o["data"].(*types.AttributeValueMemberM); ok {
			a.At, a.Known = rfc3339.Parse(object(data.Value).text("at"))
		}
		a.ofCustomer(o)
		return a, true
	case retention.Customers:
		if o.text("record") != CustomerRecord || Tombstone(o["tombstone"]) != "" {
			return a, false
		}
		a.At, a.Known = lastActivity(o)
		a.ofCustomer(o)
		return a, true
	case retention.Users:
		a.Kind, a.Name = "user", []string{o.text("customerId")}
		a.At, a.Known = lastActivity(o)
		return a, true
	case retention.Principals:
		kind, _, _ := strings.Cut(o.text("principal"), "#")
		until := o.number("validUntil")
		a.Kind, a.Name = "principal", []string{o.text("principal")}
		a.At, a.Known = time.Unix(until, 0), until > 0
		return a, slices.Contains([]string{Operator, APIUser, App}, kind)
	case retention.Records:
		finished := o.number("finishedAt")
		id, is := strings.CutPrefix(o.text("erasureId"), RecordPrefix)
		a.Name, a.At = []string{id}, time.UnixMilli(finished)
		a.Known = finished > 0 && o.number("endSealedAt") > 0
		return a, is
	}
	return a, false
}

// ofCustomer notes whose item it is. One of a customer whom no key names stays.
func (a *Aged) ofCustomer(o object) {
	if customer := SplitKey(o.text("customer")); len(customer) == 2 {
		a.Scope, a.Kind, a.Name = customer[0], "customer", customer
	}
	a.Known = a.Known && a.Name != nil
}

// lastActivity is when a customer or a user was active for the last time, as far as it is
// known.
func lastActivity(o object) (at time.Time, known bool) {
	ms := o.number("activeAt")
	return time.UnixMilli(ms), ms > 0
}
