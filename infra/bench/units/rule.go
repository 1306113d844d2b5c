package units

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/stack"
)

// item is an item as it is on the wire: by attribute a map with one entry, from the value's type to the value.
type item map[string]map[string]any

// table is what the rules need to know of a table.
type table struct {
	id      string   // in the template
	keys    []string // of an item
	indexes []index
}

type index struct {
	keys, projected []string // keys: the index's own and the table's
	all             bool     // every attribute is projected
}

func newTable(t stack.Table) table {
	known := table{id: t.LogicalID, keys: names(t.Create.KeySchema)}
	for _, g := range t.Create.GlobalSecondaryIndexes {
		known.indexes = append(known.indexes, index{
			keys: names(g.KeySchema), projected: g.Projection.NonKeyAttributes, all: g.Projection.ProjectionType == types.ProjectionTypeAll,
		})
	}
	return known
}

func names(schema []types.KeySchemaElement) (all []string) {
	for _, key := range schema {
		all = append(all, aws.ToString(key.AttributeName))
	}
	return all
}

// written is the write units of turning before into after, either of which may be nil: of the table itself, where the larger
// of the two counts and an item that is not there counts as the smallest, and of its indexes, where the change to what they
// hold counts: an entry that comes, goes or changes once, one whose keys change twice.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html and GSI.html (Throughput
// considerations for Global Secondary Indexes).
func (t table) written(before, after item) (own, inIndexes float64, err error) {
	was, err := before.size()
	if err != nil {
		return 0, 0, err
	}
	is, err := after.size()
	if err != nil {
		return 0, 0, err
	}
	for _, x := range t.indexes {
		units, err := x.written(x.entry(t, before), x.entry(t, after))
		if err != nil {
			return 0, 0, err
		}
		inIndexes += units
	}
	return writeUnits(max(was, is)), inIndexes, nil
}

// entry is what the index holds of an item, nil when it holds nothing: an item without the index's keys.
func (x index) entry(t table, of item) item {
	entry := item{}
	for _, name := range x.keys {
		if of[name] == nil {
			return nil
		}
		entry[name] = of[name]
	}
	for name, value := range of {
		if x.all || slices.Contains(t.keys, name) || slices.Contains(x.projected, name) {
			entry[name] = value
		}
	}
	return entry
}

func (x index) written(before, after item) (float64, error) {
	was, err := before.size()
	if err != nil {
		return 0, err
	}
	is, err := after.size()
	switch {
	case err != nil:
		return 0, err
	case before == nil && after == nil || same(before, after):
		return 0, nil
	case before == nil || after == nil:
		return writeUnits(was + is), nil
	}
	for _, key := range x.keys {
		if fmt.Sprint(before[key]) != fmt.Sprint(after[key]) {
			return writeUnits(was) + writeUnits(is), nil
		}
	}
	return writeUnits(max(was, is)), nil
}

// same compares whole entries; fmt prints maps in the order of their keys.
func same(a, b item) bool { return a != nil && b != nil && fmt.Sprint(a) == fmt.Sprint(b) }

// writeUnits is a standard write's: one for each KB of 1,024 bytes begun, and one at least.
func writeUnits(bytes int) float64 { return float64(max(1, (bytes+1023)/1024)) }

// readUnits is a strongly consistent read's of one item: one for each 4 KB begun, and one at
// least, also of an item that is not there. An eventually consistent read takes half.
func readUnits(bytes int) float64 { return float64(max(1, (bytes+4095)/4096)) }

var errNoValue = errors.New("no attribute value of DynamoDB's")

// size is an item's in bytes as DynamoDB counts them: names and values in UTF-8; a number a byte for each two significant
// digits, one more, and one for a minus; lists and maps 3 bytes and one for each member.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func (i item) size() (bytes int, err error) {
	for name, value := range i {
		n, err := sizeOf(value)
		if err != nil {
			return 0, fmt.Errorf("attribute %s: %w", name, err)
		}
		bytes += len(name) + n
	}
	return bytes, nil
}

func sizeOf(value map[string]any) (int, error) {
	for kind, v := range value {
		switch v := v.(type) {
		case bool:
			return 1, nil // NULL as well
		case string:
			switch kind {
			case "S":
				return len(v), nil
			case "N":
				return sizeOfNumber(v), nil
			case "B":
				raw, err := base64.StdEncoding.DecodeString(v)
				return len(raw), err
			}
		case []any: // L, or a set
			total := 0
			if kind == "L" {
				total = 3
			}
			for _, member := range v {
				in, nested := member.(map[string]any)
				if !nested {
					in = map[string]any{kind[:1]: member} // SS holds what S holds
				} else {
					total++
				}
				n, err := sizeOf(in)
				if err != nil {
					return 0, err
				}
				total += n
			}
			return total, nil
		case map[string]any: // M
			total := 3
			for name, member := range v {
				in, _ := member.(map[string]any)
				n, err := sizeOf(in)
				if err != nil {
					return 0, err
				}
				total += 1 + len(name) + n
			}
			return total, nil
		}
	}
	return 0, errNoValue
}

// sizeOfNumber counts pairs of digits to both sides of the decimal point, but for those of zeros at the ends.
func sizeOfNumber(text string) int {
	digits, minus := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(whole)%2 == 1 {
		whole = "0" + whole
	}
	if len(fraction)%2 == 1 {
		fraction += "0"
	}
	pairs := whole + fraction
	for strings.HasPrefix(pairs, "00") {
		pairs = pairs[2:]
	}
	for strings.HasSuffix(pairs, "00") {
		pairs = pairs[:len(pairs)-2]
	}
	bytes := len(pairs)/2 + 1
	if minus {
		bytes++
	}
	return bytes
}
