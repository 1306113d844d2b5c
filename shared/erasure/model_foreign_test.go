package erasure

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// What other writers do in the model: they store parties and tombstones of every type,
// and records of their own in a customer's collection.

// filed is what the model knows of a contact's copy: under whom it is filed, who takes
// part, and whether that can be read from it.
type filed struct {
	under   string
	contact int
	parties []string
	whole   bool
}

// doomNumbers dooms the copies that numbers have filed, and those that name one of them.
// A copy that cannot be read, and is filed under another number, may stay or go.
func (m *model) doomNumbers(to fate, numbers []string) {
	ours := func(number string) bool { return slices.Contains(numbers, number) }
	m.doom(to, func(line string) bool {
		c := m.copies[line]
		return ours(c.under) || c.whole && slices.ContainsFunc(c.parties, ours)
	})
	m.doom(maybe, func(line string) bool {
		c := m.copies[line]
		return !ours(c.under) && !c.whole && slices.ContainsFunc(c.parties, ours)
	})
}

// replace forgets the line that an item of the same key had.
func (m *model) replace(it item, line string) {
	var key strings.Builder
	for _, name := range []string{"customer", "record", "party", "contact"} {
		if part, ok := it[name].(*types.AttributeValueMemberS); ok {
			fmt.Fprintf(&key, "%s ", part.Value)
		}
	}
	if old, ok := m.lines[key.String()]; ok && old != line {
		delete(m.items, old)
	}
	m.lines[key.String()] = line
}

// anyType is a value of any type, nil for none.
func anyType(t *rapid.T) types.AttributeValue {
	all := everyType()
	delete(all, "fraction")                                                           // which is read back otherwise than it was written
	all["string set"] = &types.AttributeValueMemberSS{Value: []string{erased, other}} // as Dump sorts it
	return all[rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(t, "type")]
}

// partiesOf is what a writer stores as parties: a list, mostly.
func partiesOf(t *rapid.T, parties []string) types.AttributeValue {
	whole := attribute.Texts(parties...)
	switch rapid.IntRange(0, 9).Draw(t, "parties") {
	case 0:
		return nil
	case 1:
		return &types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(parties))}
	case 2: // what can be read of it is all, but nobody knows
		l := whole.(*types.AttributeValueMemberL)
		l.Value = append(l.Value, &types.AttributeValueMemberNULL{Value: true})
	case 3:
		return attribute.Text(strings.Join(parties, ","))
	case 4:
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
	case 5:
		return &types.AttributeValueMemberM{Value: item{"from": attribute.Text(parties[0])}}
	}
	return whole
}

// writeForeign writes records that sort before or behind the customer item, by a writer
// who keeps the rules, or by one who does not ask for the tombstone.
func (m *model) writeForeign(t *rapid.T) {
	code := rapid.SampledFrom(codes).Draw(t, "code")
	key := m.record(code, store.CustomerRecord)
	start := rapid.SampledFrom([]string{"0", "Z", "a", "customer", "zzz"}).Draw(t, "before or behind")
	guard := key
	if rapid.Bool().Draw(t, "without asking") {
		guard = nil
	}
	for i := range rapid.IntRange(1, 5).Draw(t, "records") {
		foreign := m.record(code, fmt.Sprint(start, "#", i))
		foreign["note"] = attribute.Text("foreign")
		m.write(t, code, foreign, guard)
	}
}

// erasedContacts is how many contacts have lost a copy, and how often they may have been
// counted: where nobody can read that the copies are one contact's, each may have been
// erased by itself.
func (m *model) erasedContacts(found map[string]bool) (least, most int) {
	gone := map[int]bool{}
	for line, c := range m.copies {
		switch first := !gone[c.contact]; {
		case found[line]:
			continue
		case first:
			gone[c.contact] = true
			least, most = least+1, most+1
		case !c.whole:
			most++
		}
	}
	return least, most
}
