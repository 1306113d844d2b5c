package units

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/local/template"
	"customercare/infra/quotas"
)

// item is an item as it is on the wire: by attribute a map with one entry, from the
// value's type to the value.
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

func newTable(t template.Table) table {
	known := table{id: t.LogicalID, keys: names(t.Create.KeySchema)}
	for _, g := range t.Create.GlobalSecondaryIndexes {
		known.indexes = append(known.indexes, index{
			keys: names(
				g.KeySchema,
			), projected: g.Projection.NonKeyAttributes, all: g.Projection.ProjectionType == types.ProjectionTypeAll,
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

// written is the write units of turning before into after, either of which may be nil: of
// the table itself, where the larger of the two counts and an item that is not there
// counts as the smallest, and of its indexes, where the change to what they hold counts:
// an entry that comes, goes or changes once, one whose keys change twice.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
// and GSI.html (Throughput considerations for Global Secondary Indexes).
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

// entry is what the index holds of an item, nil when it holds nothing: an item without
// the index's keys.
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

// writeUnits is a standard write's: one for each KB of 1,024 bytes begun, and one at
// least.
func writeUnits(bytes int) float64 { return float64(max(1, (bytes+1023)/1024)) }

// readUnits is a strongly consistent read's of one item: one for each 4 KB begun, and one
// at least, also of an item that is not there. An eventually consistent read takes half.
func readUnits(bytes int) float64 { return float64(max(1, (bytes+4095)/4096)) }

var errNoValue = errors.New("no attribute value of DynamoDB's")

// size is an item's in bytes as AWS documents it; see package quotas.
func (i item) size() (bytes int, err error) {
	for name, value := range i {
		read, err := valueOf(value)
		if err != nil {
			return 0, fmt.Errorf("attribute %s: %w", name, err)
		}
		bytes += len(name) + quotas.SizeOf(read)
	}
	return bytes, nil
}

// valueOf reads a value as it is on the wire.
func valueOf(value map[string]any) (types.AttributeValue, error) {
	for kind, v := range value {
		switch v := v.(type) {
		case bool:
			return &types.AttributeValueMemberBOOL{Value: v}, nil // NULL has the same size
		case string:
			return scalar(kind, v)
		case []any: // L, or a set, which has the size of its members: SS holds what S holds
			if kind == "L" {
				list := &types.AttributeValueMemberL{}
				for _, member := range v {
					in, _ := member.(map[string]any)
					read, err := valueOf(in)
					if err != nil {
						return nil, err
					}
					list.Value = append(list.Value, read)
				}
				return list, nil
			}
			return set(kind, v)
		case map[string]any: // M
			all := &types.AttributeValueMemberM{Value: attribute.Item{}}
			for name, member := range v {
				in, _ := member.(map[string]any)
				read, err := valueOf(in)
				if err != nil {
					return nil, err
				}
				all.Value[name] = read
			}
			return all, nil
		}
	}
	return nil, errNoValue
}

func scalar(kind, text string) (types.AttributeValue, error) {
	switch kind {
	case "S":
		return &types.AttributeValueMemberS{Value: text}, nil
	case "N":
		return &types.AttributeValueMemberN{Value: text}, nil
	case "B":
		raw, err := base64.StdEncoding.DecodeString(text)
		return &types.AttributeValueMemberB{Value: raw}, err
	}
	return nil, errNoValue
}

func set(kind string, members []any) (types.AttributeValue, error) {
	var texts []string
	var raws [][]byte
	for _, member := range members {
		text, ok := member.(string)
		if !ok {
			return nil, errNoValue
		}
		texts = append(texts, text)
		if kind == "BS" {
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, err
			}
			raws = append(raws, raw)
		}
	}
	switch kind {
	case "SS":
		return &types.AttributeValueMemberSS{Value: texts}, nil
	case "NS":
		return &types.AttributeValueMemberNS{Value: texts}, nil
	case "BS":
		return &types.AttributeValueMemberBS{Value: raws}, nil
	}
	return nil, errNoValue
}
