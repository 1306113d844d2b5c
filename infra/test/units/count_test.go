package units

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"customercare/infra/bench"
)

// on is the call's use of a table, for adding to.
func (c *Trip) on(id string) *Use {
	for i := range c.On {
		if c.On[i].Table == id {
			return &c.On[i]
		}
	}
	c.On = append(c.On, Use{Table: id})
	return &c.On[len(c.On)-1]
}

// ruled counts writes by the rules.
func (m *Meter) ruled(c *Trip, places []place, before, after map[string]item) error {
	factor := 1.
	if c.Action == "TransactWriteItems" {
		factor = 2
	}
	for _, p := range places {
		t := m.tables[p.table]
		own, inIndex, err := t.written(before[p.name()], after[p.name()])
		if err != nil {
			return err
		}
		use := c.on(t.id)
		use.Items++
		use.Writes += factor * own
		use.InIndex += inIndex
	}
	return nil
}

// capacity is a ConsumedCapacity.
type capacity struct {
	TableName              string
	CapacityUnits          float64
	Table                  struct{ CapacityUnits float64 }
	GlobalSecondaryIndexes map[string]struct{ CapacityUnits float64 }
}

// reported counts what the answer says, with the rules' least for reads of nothing.
func (m *Meter) reported(c *Trip, a *asked, places []place, said []byte) error {
	var answer struct{ ConsumedCapacity *capacity }
	if err := json.Unmarshal(said, &answer); err != nil {
		return err
	}
	if answer.ConsumedCapacity == nil {
		return fmt.Errorf("no ConsumedCapacity: %.200s", said)
	}
	consumed := *answer.ConsumedCapacity
	use := c.on(m.tables[consumed.TableName].id)
	use.Items = len(places)
	switch c.Action {
	case "GetItem", "Query", "Scan":
		least := 0.5
		if a.ConsistentRead {
			least = 1
		}
		use.Reads = max(consumed.CapacityUnits, least)
	case "PutItem", "UpdateItem", "DeleteItem":
		use.Writes = consumed.Table.CapacityUnits
		for _, index := range consumed.GlobalSecondaryIndexes {
			use.InIndex += index.CapacityUnits
		}
	default:
		return errors.New("the meter knows no rule for this action")
	}
	return nil
}

// batchGot counts a BatchGetItem by the rules: the items as they stand, each by itself.
func (m *Meter) batchGot(c *Trip, a *asked, places []place, stands map[string]item) error {
	for name, raw := range a.RequestItems {
		var read struct{ ConsistentRead bool }
		if err := json.Unmarshal(raw, &read); err != nil {
			return err
		}
		use := c.on(m.tables[name].id)
		for _, p := range places {
			if p.table != name {
				continue
			}
			bytes, err := stands[p.name()].size()
			if err != nil {
				return err
			}
			units := readUnits(bytes)
			if !read.ConsistentRead {
				units /= 2
			}
			use.Items++
			use.Reads += units
		}
	}
	return nil
}

// Count is what calls take together.
type Count = bench.Count

// count adds calls up.
func count(calls []Trip) Count {
	total := Count{Trips: len(calls)}
	for _, c := range calls {
		for _, use := range c.On {
			total.Reads += use.Reads
			total.Writes += use.Writes + use.InIndex
		}
	}
	return total
}

// String is, for example, "TransactWriteItems  Erasures 1 items 2+1 w, Customers 1 items
// 2 w".
func (c Trip) String() string {
	var uses []string
	for _, use := range c.On {
		s := use.Table
		if use.Items > 0 {
			s += fmt.Sprintf(" %d items", use.Items)
		}
		if use.Reads > 0 {
			s += fmt.Sprintf(" %g r", use.Reads)
		}
		if use.Writes > 0 {
			s += fmt.Sprintf(" %g", use.Writes)
			if use.InIndex > 0 {
				s += fmt.Sprintf("+%g", use.InIndex)
			}
			s += " w"
		}
		uses = append(uses, s)
	}
	action := c.Action
	if c.Index {
		action += " (index)"
	}
	return fmt.Sprintf("%-20s %s", action, strings.Join(uses, ", "))
}
