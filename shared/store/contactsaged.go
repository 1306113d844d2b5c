package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// EraseAged deletes contacts that are of a rule's age, each with all its copies and on
// the conditions of Erase: the age is in the key, and no copy goes that a hold keeps.
// Before, it asks for the holds of all numbers that take part, after the page was read.
// So it sees every hold that began before one of these contacts was filed; a contact that
// stood there before is marked when the hold becomes active.
//
// What is gone and what is left is read back, also after an error.
func (c Contacts) EraseAged(
	ctx context.Context, holds Holds, ages Ages, due []Due, parallel int,
) (swept Swept, err error) {
	byTenant := map[string][]Due{}
	for _, d := range due {
		byTenant[d.Scope] = append(byTenant[d.Scope], d)
	}
	for _, tenant := range slices.Sorted(maps.Keys(byTenant)) {
		a := agedContacts{
			Contacts: c, holds: holds, ages: ages, tenant: tenant, parallel: parallel,
			gone: map[copyID]bool{}, ended: map[string]bool{},
		}
		for rest := byTenant[tenant]; len(rest) > 0; {
			var some []agedContact
			some, rest = a.next(rest)
			failure := a.erase(ctx, some)
			err = errors.Join(err, failure)
		}
		swept.Add(a.swept)
	}
	return swept, err
}

// agedContacts is the deletion of a page's contacts of one tenant.
type agedContacts struct {
	Contacts
	holds    Holds
	ages     Ages
	tenant   string
	parallel int
	swept    Swept
	gone     map[copyID]bool
	ended    map[string]bool // holds that are known to have ended
}

// copyID is a copy of a contact: under which number it stands, and its sort key.
type copyID struct{ number, contact string }

// agedContact is a contact as one of its copies was read, with the numbers under which
// others may stand.
type agedContact struct {
	Erasable
	marks   *Marks
	numbers []string // without Own
	there   []copyID // what there is of it, Own's copy the first
}

// agedCopies is how many copies are looked for at once, about.
const agedCopies = 2_000

// next is the contacts of the first copies, and the copies behind them. Copies that went
// with another one of their contact are left out.
func (a *agedContacts) next(due []Due) (contacts []agedContact, rest []Due) {
	copies := 0
	for i, d := range due {
		if copies >= agedCopies {
			return contacts, due[i:]
		}
		own := d.Name[1]
		if a.gone[copyID{own, d.Key("contact")}] {
			continue
		}
		contact := agedContact{
			Erasable: Erasable{Contact: d.Key("contact"), Own: own, Copies: []string{own}, Seen: d.parties},
			marks:    readMarks(d.item),
		}
		contact.numbers = contact.Numbers(a.tenant)[1:]
		copies += 1 + len(contact.numbers)
		contacts = append(contacts, contact)
	}
	return contacts, nil
}

// peer is a copy under another number than the one that was read.
type peer struct {
	parties types.AttributeValue
	marks   *Marks
}

// erase deletes contacts, and counts what became of them.
func (a *agedContacts) erase(ctx context.Context, contacts []agedContact) error {
	peers, err := a.readPeers(ctx, contacts)
	if err != nil {
		return err
	}
	held, err := a.held(ctx, contacts)
	if err != nil {
		return err
	}
	var going []agedContact
	with := map[copyID]bool{} // copies that go with another one of their contact
	for _, contact := range contacts {
		own := copyID{contact.Own, contact.Contact}
		if with[own] {
			continue
		}
		kept, err := a.isKept(ctx, own, contact.marks)
		kept = kept || held[contact.Own]
		contact.there = []copyID{own}
		for _, number := range contact.numbers {
			id := copyID{number, contact.Contact}
			kept = kept || held[number]
			if p, there := peers[id]; err == nil && there && p.of(contact.Own) {
				var keptThere bool
				keptThere, err = a.isKept(ctx, id, p.marks)
				kept = kept || keptThere
				contact.there = append(contact.there, id)
			}
		}
		switch {
		case err != nil:
			return err
		case kept: // each of its copies counts when it is read itself
			a.swept.Add(Swept{Found: 1, Kept: 1})
		default:
			for _, id := range contact.there {
				with[id] = true
			}
			going = append(going, contact)
		}
	}
	if len(going) == 0 {
		return nil
	}
	job, erasable := &Job{Scope: a.tenant}, make([]Erasable, len(going))
	for i, contact := range going {
		erasable[i] = contact.Erasable
	}
	_, err = a.Erase(ctx, job, erasable, a.parallel)
	return errors.Join(err, a.readBack(ctx, contacts, going))
}

// of says whether the copy goes with the contact under own, see Erasable.Takes.
func (p peer) of(own string) bool {
	if p.parties == nil {
		return true
	}
	numbers, whole := Parties(p.parties)
	return !whole || slices.Contains(numbers, own)
}

// readPeers reads the copies that stand under other numbers.
func (a *agedContacts) readPeers(ctx context.Context, contacts []agedContact) (map[copyID]peer, error) {
	peers, asked := map[copyID]peer{}, map[copyID]bool{}
	var keys []map[string]types.AttributeValue
	read := func() error {
		items, err := readItems(ctx, a.DB, "contacts: read copies", a.Table, types.KeysAndAttributes{
			Keys: keys, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("party, contact, parties, held"),
		}, readAttempts)
		for _, item := range items {
			if party := SplitKey(object(item).text("party")); len(party) == 2 {
				peers[copyID{party[1], object(item).text("contact")}] = peer{item["parties"], readMarks(item)}
			}
		}
		keys = nil
		return err
	}
	for _, contact := range contacts {
		for _, number := range contact.numbers {
			if id := (copyID{number, contact.Contact}); !asked[id] {
				asked[id], keys = true, append(keys, contactKey(a.tenant, number, contact.Contact))
			}
			if len(keys) == maxReadKeys {
				if err := read(); err != nil {
					return nil, err
				}
			}
		}
	}
	return peers, read()
}

// held is which of all numbers that take part are held.
func (a *agedContacts) held(ctx context.Context, contacts []agedContact) (map[string]bool, error) {
	any, err := a.holds.AnyOf(ctx, a.tenant)
	if err != nil || !any {
		return nil, err
	}
	var numbers []string
	for _, contact := range contacts {
		numbers = append(append(numbers, contact.Own), contact.numbers...)
	}
	holds, err := a.holds.OfNumbers(ctx, a.tenant, numbers)
	held := make(map[string]bool, len(holds))
	for number := range holds {
		held[number] = true
	}
	return held, err
}

// isKept says whether a hold that stands keeps a copy by its mark. Marks of holds that
// have ended it takes away.
func (a *agedContacts) isKept(ctx context.Context, id copyID, marks *Marks) (bool, error) {
	if marks == nil || marks.Foreign || len(marks.Holds) == 0 {
		return marks != nil, nil
	}
	known := func(hold string) bool { return a.ended[hold] }
	if asked := slices.DeleteFunc(slices.Clone(marks.Holds), known); len(asked) > 0 {
		ended, err := a.holds.Ended(ctx, asked)
		if err != nil {
			return true, err
		}
		for hold, is := range ended {
			a.ended[hold] = a.ended[hold] || is
		}
	}
	for _, hold := range marks.Holds {
		if !a.ended[hold] {
			return true, nil
		}
	}
	return false, a.UnmarkCopy(ctx, a.tenant, id.number, id.contact, marks.Holds)
}

// readBack counts what became of the contacts that were to go. What is left of them under
// numbers where this page has not read it counts when it is read there.
func (a *agedContacts) readBack(ctx context.Context, page, going []agedContact) error {
	var keys []map[string]types.AttributeValue
	for _, contact := range going {
		for _, id := range contact.there {
			keys = append(keys, contactKey(a.tenant, id.number, id.contact))
		}
	}
	items, err := a.ages.Again(context.WithoutCancel(ctx), keys)
	if err != nil { // nobody knows what is gone
		return err
	}
	left, read := make(map[copyID]Due, len(items)), make(map[copyID]bool, len(page))
	for _, d := range items {
		left[copyID{d.Name[1], d.Key("contact")}] = d
	}
	for _, contact := range page {
		read[copyID{contact.Own, contact.Contact}] = true
	}
	for _, contact := range going {
		for _, id := range contact.there {
			d, is := left[id]
			switch {
			case !is:
				a.gone[id] = true
				a.swept.Add(Swept{Found: 1, Erased: 1})
			case !read[id]:
			case readMarks(d.item) != nil: // a hold came
				a.swept.Add(Swept{Found: 1, Kept: 1})
			default:
				a.swept.Add(Swept{Found: 1, Left: 1})
			}
		}
	}
	return nil
}
