package main

import (
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

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
	}
	return swept, errKind
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
