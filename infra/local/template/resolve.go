package template

import (
	"cmp"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"customercare/infra/local/kms"
)

// resolver turns the template's YAML into plain values, evaluating on the way those of
// CloudFormation's intrinsic functions that template.yaml uses. The rest is refused.
type resolver struct {
	root   *yaml.Node        // the mapping of sections
	refs   map[string]string // what !Ref gives
	region string
}

// readYAML reads a template and gives its mapping of sections.
func readYAML(raw []byte) (*yaml.Node, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("it is no mapping of sections")
	}
	return document.Content[0], plain(document.Content[0])
}

// plain refuses aliases, which CloudFormation does not take either, and keys that a
// mapping has twice, of which one would be lost.
func plain(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode || n.ShortTag() == "!!merge" {
		return fmt.Errorf("line %d: the local stack knows no aliases", n.Line)
	}
	has := map[string]bool{}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			if has[child.Value] {
				return fmt.Errorf("line %d: %s is there twice", child.Line, child.Value)
			}
			has[child.Value] = true
		}
		if err := plain(child); err != nil {
			return err
		}
	}
	return nil
}

// value evaluates a node to a string, bool, map[string]any, []any or nil. A mapping or a
// list does not have what is nil, so AWS::NoValue leaves out whatever it stands for.
func (r *resolver) value(n *yaml.Node) (any, error) {
	if n == nil {
		return nil, nil
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(name, "!") && name != "" {
		return r.intrinsic(name, n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for name, n := range pairs(n) {
			if name == "Ref" || strings.HasPrefix(name, "Fn::") {
				return nil, fmt.Errorf("line %d: the local stack knows the short form of %s only", n.Line, name)
			}
			v, err := r.value(n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if v != nil {
				m[name] = v
			}
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			v, err := r.value(item)
			if err != nil {
				return nil, err
			}
			if v != nil {
				list = append(list, v)
			}
		}
		return list, nil
	}
	switch n.ShortTag() {
	case "!!null":
		return nil, nil
	case "!!bool":
		return strconv.ParseBool(strings.ToLower(n.Value))
	}
	return n.Value, nil
}

// intrinsic evaluates the function called name, the tag of the node n.
func (r *resolver) intrinsic(name string, n *yaml.Node) (any, error) {
	switch {
	case name == "Ref" && n.Kind == yaml.ScalarNode:
		return r.ref(n.Value)
	case name == "GetAtt" && n.Kind == yaml.ScalarNode:
		resource, attribute, _ := strings.Cut(n.Value, ".")
		return r.attribute(resource, attribute)
	case name == "Sub" && n.Kind == yaml.ScalarNode:
		return r.sub(n.Value)
	case name == "If" && len(n.Content) == 3: // only the branch that is taken is evaluated
		yes, err := r.condition(n.Content[0].Value)
		if err != nil {
			return nil, err
		}
		if yes {
			return r.value(n.Content[1])
		}
		return r.value(n.Content[2])
	case name == "Equals" && len(n.Content) == 2:
		one, err := r.value(n.Content[0])
		other, otherErr := r.value(n.Content[1])
		return fmt.Sprint(one) == fmt.Sprint(other), cmp.Or(err, otherErr)
	case name == "Not" && len(n.Content) == 1:
		v, err := r.value(n.Content[0])
		return v == false, err
	case (name == "And" || name == "Or") && len(n.Content) == 2:
		one, err := r.value(n.Content[0])
		other, otherErr := r.value(n.Content[1])
		if name == "Or" {
			return one == true || other == true, cmp.Or(err, otherErr)
		}
		return one == true && other == true, cmp.Or(err, otherErr)
	case name == "Condition" && n.Kind == yaml.ScalarNode:
		return r.condition(n.Value)
	case name == "Join" || name == "Split" || name == "Select" || name == "FindInMap":
		if v, known, err := r.ofLists(name, n); known {
			return v, err
		}
	}
	return nil, fmt.Errorf("line %d: the local stack does not know the function %s in this form", n.Line, name)
}

// condition evaluates a condition of the Conditions section.
func (r *resolver) condition(name string) (bool, error) {
	n := field(field(r.root, "Conditions"), name)
	if n == nil {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	v, err := r.value(n)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	return v == true, nil
}

func (r *resolver) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return nil, nil
	}
	if v, ok := r.refs[name]; ok {
		return v, nil
	}
	there, err := r.isThere(name)
	if err == nil && !there {
		err = fmt.Errorf("there is no parameter or resource %q", name)
	}
	return name, err // good enough where only AWS knows the name
}

// isThere says whether the template has a resource of this name whose condition holds.
// A reference to another one would make CloudFormation refuse the template.
func (r *resolver) isThere(name string) (bool, error) {
	n := r.resource(name)
	if condition := text(n, "Condition"); condition != "" {
		return r.condition(condition)
	}
	return n != nil, nil
}

// attribute gives !GetAtt. Only ARNs have a meaning here, and only for what runs; others
// are of the right shape.
func (r *resolver) attribute(resource, attribute string) (any, error) {
	kind := field(r.resource(resource), "Type")
	if kind == nil {
		return nil, fmt.Errorf("there is no resource %q", resource)
	}
	name, err := r.ref(resource)
	if err != nil {
		return nil, err
	}
	switch {
	case kind.Value == typeFunction && attribute == "Arn":
		return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.region, AccountID, name), nil
	case kind.Value == typeTable && attribute == "Arn":
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", r.region, AccountID, name), nil
	case kind.Value == typeTable && attribute == "StreamArn":
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s/stream/latest", r.region, AccountID, name), nil
	case kind.Value == typeAPI && attribute == "Stage": // SAM's: one of it is made for each API
		return r.value(field(field(r.resource(resource), "Properties"), "StageName"))
	case kind.Value == typeKey && attribute == "Arn":
		return kms.ARN(r.region, AccountID, resource), nil
	}
	service := strings.ToLower(strings.Split(kind.Value+"::", "::")[1])
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s/%s", service, r.region, AccountID, name, attribute), nil
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) sub(text string) (any, error) {
	var failed error
	text = placeholder.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		v, err := r.ref(name)
		if resource, attribute, ok := strings.Cut(name, "."); ok {
			v, err = r.attribute(resource, attribute)
		}
		if err != nil {
			failed = err
		}
		return fmt.Sprint(v)
	})
	return text, failed
}

// resource gives the node of a resource; nil when there is none.
func (r *resolver) resource(name string) *yaml.Node { return field(field(r.root, "Resources"), name) }

// field gives a mapping's value; nil when n is no mapping or lacks it.
func field(n *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(n) {
		if key == name {
			return value
		}
	}
	return nil
}

// text gives a mapping's value where it is text, else "".
func text(n *yaml.Node, name string) string {
	if v := field(n, name); v != nil {
		return v.Value
	}
	return ""
}

// pairs runs over a mapping in the template's order; over nothing when n is none.
func pairs(n *yaml.Node) iter.Seq2[string, *yaml.Node] {
	return func(yield func(string, *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i].Value, n.Content[i+1]) {
				return
			}
		}
	}
}
