package upgrade

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
)

// An attribute that a release has written is written still, with the same type: so that
// release reads what this version writes, while a deployment goes on and after one that
// was taken back.
func TestAttributesStay(t *testing.T) {
	items, _, _ := written(t, slow)
	now := shapeOf(items)
	for _, folder := range supported(t) {
		old := shapeOf(kept(t, folder))
		if len(old) < 200 {
			t.Errorf("%s: %d attributes only", folder, len(old))
		}
		for path, kinds := range old {
			if !tells(path, now) {
				continue
			}
			for kind := range strings.FieldsSeq(kinds) {
				if !strings.Contains(now[path], kind+" ") {
					t.Errorf("%s wrote %s as %s, this version writes %q", filepath.Base(folder), path, kind, now[path])
				}
			}
		}
	}
}

// tells says whether what stands now can tell of an attribute: what the attribute
// would stand in is there, and where that is a list it is not empty. A whole kind of
// items that is missing is told once; a handover comes and goes.
func tells(path string, now shape) bool {
	at := strings.LastIndex(path, "/")
	within := path[:at]
	switch {
	case !strings.Contains(within, "/"): // a kind of items
		return !strings.HasPrefix(path, "Erasures/handover")
	case path[at:] == "/[]":
		return now[path] != ""
	}
	return now[within] != ""
}

// shape are the types of attributes by their path, "Users/user/tempAllows/1/expires",
// each type with a blank behind it.
type shape map[string]string

func shapeOf(all stored) shape {
	s := shape{}
	for table, items := range all {
		for _, item := range items {
			s.add(table+"/"+kind(table, item), &types.AttributeValueMemberM{Value: item})
		}
	}
	return s
}

// add notes a value and all that is in it. Members of lists share a path.
func (s shape) add(path string, value types.AttributeValue) {
	encoded := encode(value).(map[string]any)
	for kind := range encoded {
		if !strings.Contains(s[path], kind+" ") {
			s[path] += kind + " "
		}
	}
	switch v := value.(type) {
	case *types.AttributeValueMemberM:
		for name, member := range v.Value {
			s.add(path+"/"+name, member)
		}
	case *types.AttributeValueMemberL:
		for _, member := range v.Value {
			s.add(path+"/[]", member)
		}
	}
}

// kind tells items of one table apart that have not the same attributes: by the first
// part of the key, and by what says in which state the item is.
func kind(table string, item attribute.Item) string {
	text := func(name string) string { return attribute.ReadText(item, name) }
	first := func(key, end string) string { before, _, _ := strings.Cut(text(key), end); return before }
	switch table {
	case "Users":
		return text("customerId")
	case "Customers":
		if item["tombstone"] != nil {
			return "tombstone"
		}
		return first("record", "#")
	case "Contacts":
		_, id, _ := strings.Cut(text("contact"), "#")
		return id
	case "Principals":
		return first("principal", "#")
	case "Erasures":
		return first("erasureId", "-") + " " + text("kind") + " " + text("state")
	case "Holds":
		if strings.HasPrefix(text("hold"), "hold-") {
			return text("hold")
		}
		if name := first("hold", "-"); name == "asked" {
			return name
		}
		return first("hold", "#")
	case "Log":
		return first("part", "/")
	default:
		return first("rule", "-")
	}
}
