package main

import (
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/erasure"
	"customercare/shared/invocation"
	"customercare/shared/retention"
	"customercare/shared/store"
)

// ages is the table that a rule is about, as its sweep goes through it.
func (r *run) ages(s *sweep) store.Ages {
	ages := store.Ages{DB: r.rules.DB, Rule: s.rule.Rule, Cutoff: s.cursor.Cutoff}
	switch s.rule.What {
	case retention.Contacts:
		ages.Table = r.contacts.Table
	case retention.Users:
		ages.Table = r.users.Table
	case retention.Principals:
		ages.Table = r.principals.Table
	case retention.Records:
		ages.Table = r.ledger.Table
	default:
		ages.Table = r.customers.Table
	}
	return ages
}

// erase erases what a page has that the rule takes. Whatever was read is only a proposal:
// each deletion has the item's age and the holds in its condition.
func (r *run) erase(ages store.Ages, due []store.Due) (swept store.Swept, err error) {
	if len(due) == 0 {
		return swept, nil
	}
	switch ages.Rule.What {
	case retention.Contacts:
		return r.contacts.EraseAged(r.inTime, r.holds, ages, due, r.atOnce)
	case retention.Transactions:
		return r.each(byCustomer(due), func(due []store.Due) (store.Swept, error) {
			return r.customers.EraseAged(r.inTime, r.holds, ages, due)
		})
	case retention.Customers:
		return r.each(oneByOne(due), func(due []store.Due) (store.Swept, error) { return r.eraseCustomer(ages, due[0]) })
	case retention.Users, retention.Principals, retention.Records:
		return r.each(oneByOne(due), func(due []store.Due) (store.Swept, error) { return r.eraseOne(ages, due[0]) })
	}
	return swept, errKind
}

// keyOf is the key attribute of the tables whose items go one by one.
var keyOf = map[retention.What]string{
	retention.Users: "customerId", retention.Principals: "principal", retention.Records: "erasureId",
}

// eraseOne erases a user, a principal or a record, and reads it back. One that is of the
// rule's age, and that the condition of its deletion keeps, counts as kept: a user with
// an allow in force, a record with a statement that is not sealed.
func (r *run) eraseOne(ages store.Ages, d store.Due) (swept store.Swept, err error) {
	name := keyOf[ages.Rule.What]
	switch ages.Rule.What {
	case retention.Users:
		_, err = r.users.EraseInactive(r.inTime, d.Key(name), ages.Cutoff)
	case retention.Principals:
		_, err = r.principals.EraseExpired(r.inTime, d.Key(name), ages.Cutoff)
	default:
		_, err = r.ledger.EraseRecord(r.inTime, d.Name[0], ages.Cutoff)
	}
	left, again := ages.Again(r.ctx, []map[string]types.AttributeValue{
		{name: &types.AttributeValueMemberS{Value: d.Key(name)}},
	})
	switch {
	case again != nil:
		return swept, errors.Join(err, again)
	case len(left) == 0:
		return store.Swept{Found: 1, Erased: 1}, err
	case err != nil:
		return store.Swept{Found: 1, Left: 1}, err
	}
	return store.Swept{Found: 1, Kept: 1}, nil
}

// eraseCustomer opens the erasure of a customer who is inactive still; that is a
// condition of the opening. It is an erasure like any other, with statements of its own:
// workers delete what is left of the customer, and it ends when nothing is found any
// more. A customer who has been active since, or whose erasure is open, is none of the
// rule's.
func (r *run) eraseCustomer(ages store.Ages, d store.Due) (store.Swept, error) {
	became, _, err := r.intake.EraseInactive(r.inTime, erasure.CustomerRequest{
		Account: d.Name[0], Code: d.Name[1], By: by + ":" + ages.Rule.Name, Inactive: ages.Cutoff,
	}, 0)
	switch {
	case err != nil:
		return store.Swept{Found: 1, Left: 1}, err
	case became == erasure.Opened:
		return store.Swept{Found: 1, Erased: 1}, nil
	case became == erasure.Held:
		return store.Swept{Found: 1, Kept: 1}, nil
	}
	return store.Swept{}, nil
}

// oneByOne is the items of a page, each by itself.
func oneByOne(due []store.Due) (groups [][]store.Due) {
	for i := range due {
		groups = append(groups, due[i:i+1])
	}
	return groups
}

var errKind = errors.New("apply-retention: a rule about a kind of data that this program does not know")

// byCustomer is the transactions of a page, those of each customer together.
func byCustomer(due []store.Due) (groups [][]store.Due) {
	at := map[string]int{}
	for _, d := range due {
		key := d.Key("customer")
		i, is := at[key]
		if !is {
			i, at[key] = len(groups), len(groups)
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	return groups
}

// each erases groups of items, some at the same time, whatever becomes of the others.
func (r *run) each(
	groups [][]store.Due, erase func([]store.Due) (store.Swept, error),
) (swept store.Swept, err error) {
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(r.atOnce)
	for _, group := range groups {
		all.Go(func() (err error) {
			defer invocation.Recover("apply-retention: erase", &err)
			some, err := erase(group)
			mu.Lock()
			defer mu.Unlock()
			swept.Add(some)
			return err
		})
	}
	err = all.Wait()
	return swept, err
}
