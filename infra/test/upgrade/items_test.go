package upgrade

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

// stored is every item of a stack, by the logical id of its table.
type stored map[string][]attribute.Item

// storedIn reads all tables.
func storedIn(t *testing.T, s *stack.Stack) stored {
	t.Helper()
	all := stored{}
	for _, table := range s.Template.Tables {
		all[table.LogicalID] = dynamotest.Items(t, s.DynamoDB(), table.Name)
	}
	return all
}

// keep writes a file for each table: an item a line, in DynamoDB's JSON, sorted.
func (all stored) keep(t *testing.T, folder string) {
	t.Helper()
	for table, items := range all {
		var lines [][]byte
		for _, item := range items {
			line, err := json.Marshal(encodeAll(item))
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, append(line, '\n'))
		}
		slices.SortFunc(lines, bytes.Compare)
		if err := os.WriteFile(filepath.Join(folder, table+".ndjson"), bytes.Join(lines, nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// kept reads what keep has written.
func kept(t *testing.T, folder string) stored {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s keeps no items: %v", folder, err)
	}
	all := stored{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		table := filepath.Base(file[:len(file)-len(".ndjson")])
		for line := range bytes.Lines(text) {
			var values map[string]map[string]json.RawMessage
			if err := json.Unmarshal(line, &values); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[table] = append(all[table], decodeAll(t, values))
		}
	}
	return all
}

// load puts all items into the tables of a stack. A table that the stack does not have is
// an error: no version may do without what an older one has stored.
func (all stored) load(t *testing.T, s *stack.Stack) {
	t.Helper()
	for table, items := range all {
		name := s.Table(table)
		if name == "" {
			t.Fatalf("template.yaml has no table %s any more", table)
		}
		for _, item := range items {
			if _, err := s.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: item}); err != nil {
				t.Fatalf("%s: %v", table, err)
			}
		}
	}
}

// encodeAll is an item in DynamoDB's JSON: {"customerId":{"S":"u1"}}.
func encodeAll(item attribute.Item) map[string]any {
	all := map[string]any{}
	for name, value := range item {
		all[name] = encode(value)
	}
	return all
}

func encode(value types.AttributeValue) any {
	of := func(kind string, value any) any { return map[string]any{kind: value} }
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return of("S", v.Value)
	case *types.AttributeValueMemberN:
		return of("N", v.Value)
	case *types.AttributeValueMemberB:
		return of("B", v.Value)
	case *types.AttributeValueMemberBOOL:
		return of("BOOL", v.Value)
	case *types.AttributeValueMemberNULL:
		return of("NULL", true)
	case *types.AttributeValueMemberSS:
		slices.Sort(v.Value)
		return of("SS", v.Value)
	case *types.AttributeValueMemberNS:
		slices.Sort(v.Value)
		return of("NS", v.Value)
	case *types.AttributeValueMemberBS:
		slices.SortFunc(v.Value, bytes.Compare)
		return of("BS", v.Value)
	case *types.AttributeValueMemberL:
		list := []any{}
		for _, member := range v.Value {
			list = append(list, encode(member))
		}
		return of("L", list)
	case *types.AttributeValueMemberM:
		return of("M", encodeAll(v.Value))
	}
	panic(fmt.Sprintf("an attribute of the type %T", value))
}

func decodeAll(t *testing.T, values map[string]map[string]json.RawMessage) attribute.Item {
	t.Helper()
	item := attribute.Item{}
	for name, value := range values {
		item[name] = decode(t, value)
	}
	return item
}

// decode reads one value, which has one type.
func decode(t *testing.T, value map[string]json.RawMessage) types.AttributeValue {
	t.Helper()
	for kind, raw := range value {
		switch kind {
		case "S":
			return &types.AttributeValueMemberS{Value: as[string](t, raw)}
		case "N":
			return &types.AttributeValueMemberN{Value: as[string](t, raw)}
		case "B":
			return &types.AttributeValueMemberB{Value: as[[]byte](t, raw)}
		case "BOOL":
			return &types.AttributeValueMemberBOOL{Value: as[bool](t, raw)}
		case "NULL":
			return &types.AttributeValueMemberNULL{Value: true}
		case "SS":
			return &types.AttributeValueMemberSS{Value: as[[]string](t, raw)}
		case "NS":
			return &types.AttributeValueMemberNS{Value: as[[]string](t, raw)}
		case "BS":
			return &types.AttributeValueMemberBS{Value: as[[][]byte](t, raw)}
		case "L":
			list := &types.AttributeValueMemberL{}
			for _, member := range as[[]map[string]json.RawMessage](t, raw) {
				list.Value = append(list.Value, decode(t, member))
			}
			return list
		case "M":
			return &types.AttributeValueMemberM{
				Value: decodeAll(t, as[map[string]map[string]json.RawMessage](t, raw)),
			}
		}
	}
	t.Fatalf("no value: %s", value)
	return nil
}

func as[T any](t *testing.T, raw json.RawMessage) (value T) {
	t.Helper()
	if err := json.Unmarshal(raw, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
