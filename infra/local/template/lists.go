package template

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ofLists evaluates those functions that take lists apart, put them together, or look
// something up; known says whether the function called name is one of them, in this form.
func (r *resolver) ofLists(name string, n *yaml.Node) (value any, known bool, err error) {
	if n.Kind != yaml.SequenceNode {
		return nil, false, nil
	}
	var args []any
	for _, item := range n.Content {
		v, err := r.value(item)
		if err != nil {
			return nil, true, err
		}
		args = append(args, v)
	}
	switch {
	case name == "Join" && len(args) == 2:
		list, isList := args[1].([]any)
		var parts []string
		for _, part := range list {
			parts = append(parts, fmt.Sprint(part))
		}
		return strings.Join(parts, fmt.Sprint(args[0])), isList, nil
	case name == "Split" && len(args) == 2:
		list := []any{}
		for part := range strings.SplitSeq(fmt.Sprint(args[1]), fmt.Sprint(args[0])) {
			list = append(list, part)
		}
		return list, true, nil
	case name == "Select" && len(args) == 2:
		list, isList := args[1].([]any)
		at, err := strconv.Atoi(fmt.Sprint(args[0]))
		if isList && (err != nil || at < 0 || at >= len(list)) {
			return nil, true, fmt.Errorf("line %d: there is no item %v of %d", n.Line, args[0], len(list))
		}
		if !isList {
			return nil, false, nil
		}
		return list[at], true, nil
	case name == "FindInMap" && len(args) == 3:
		found := field(r.root, "Mappings")
		for _, key := range args {
			found = field(found, fmt.Sprint(key))
		}
		if found == nil {
			return nil, true, fmt.Errorf("line %d: there is no %v in the mapping %v", n.Line, args[1:], args[0])
		}
		value, err := r.value(found)
		return value, true, err
	}
	return nil, false, nil
}
