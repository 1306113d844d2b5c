package template

import (
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// resolver turns the template's YAML into plain values, evaluating CloudFormation's
// intrinsic functions on the way. Only what is asked for is evaluated: resources that the
// local stack does not know may use anything.
type resolver struct {
	sections   map[string]*yaml.Node // what stands under each top-level key
	parameters map[string]string
	refs       map[string]string // what !Ref gives, beside parameters
	account    string
	region     string
}

// noValue stands for AWS::NoValue: whatever holds it is left out.
type noValue struct{}

// value evaluates a node to a string, bool, map[string]any, []any or nil.
func (r *resolver) value(n *yaml.Node) (any, error) {
	if n == nil {
		return nil, nil
	}
	if name, ok := strings.CutPrefix(n.Tag, "!"); ok && !strings.HasPrefix(name, "!") && name != "" {
		return r.intrinsic(name, n)
	}
	switch n.Kind {
	case yaml.MappingNode:
		if len(n.Content) == 2 { // the long form of an intrinsic function
			key := n.Content[0].Value
			if name, ok := strings.CutPrefix(key, "Fn::"); ok {
				return r.intrinsic(name, n.Content[1])
			}
			if key == "Ref" || key == "Condition" && n.Content[1].Kind == yaml.ScalarNode {
				return r.intrinsic(key, n.Content[1])
			}
		}
		m := map[string]any{}
		for name, n := range pairs(n) {
			v, err := r.value(n)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if _, skip := v.(noValue); !skip {
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
			if _, skip := v.(noValue); !skip {
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

// intrinsic evaluates the function called name with the argument n.
func (r *resolver) intrinsic(name string, n *yaml.Node) (any, error) {
	plain := *n
	plain.Tag = "" // the tag was the function's name
	arg := &plain
	switch name {
	case "Ref":
		return r.ref(arg.Value)
	case "GetAtt":
		if arg.Kind == yaml.SequenceNode && len(arg.Content) == 2 {
			return r.attribute(arg.Content[0].Value, arg.Content[1].Value)
		}
		resource, attribute, _ := strings.Cut(arg.Value, ".")
		return r.attribute(resource, attribute)
	case "Sub":
		return r.sub(arg)
	case "Join":
		return r.join(arg)
	case "If":
		return r.choose(arg)
	case "Condition":
		return r.condition(arg.Value)
	case "Equals", "And", "Or", "Not":
		return r.logic(name, arg)
	}
	return nil, fmt.Errorf("line %d: the local stack does not know the function %s", n.Line, name)
}

func (r *resolver) ref(name string) (any, error) {
	if name == "AWS::NoValue" {
		return noValue{}, nil
	}
	if v, ok := r.parameters[name]; ok {
		return v, nil
	}
	if v, ok := r.refs[name]; ok {
		return v, nil
	}
	if r.resource(name) != nil {
		return name, nil // good enough where only AWS knows the name
	}
	return nil, fmt.Errorf("there is no parameter or resource %q", name)
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
		return fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", r.region, r.account, name), nil
	case kind.Value == typeTable && attribute == "Arn":
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", r.region, r.account, name), nil
	case kind.Value == typeTable && attribute == "StreamArn":
		return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s/stream/latest", r.region, r.account, name), nil
	case kind.Value == typeSecret && attribute == "Id":
		return name, nil
	}
	service := strings.ToLower(strings.Split(kind.Value+"::", "::")[1])
	return fmt.Sprintf("arn:aws:%s:%s:%s:%s/%s", service, r.region, r.account, name, attribute), nil
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

func (r *resolver) sub(n *yaml.Node) (any, error) {
	text, values := n.Value, map[string]any{}
	if n.Kind == yaml.SequenceNode && len(n.Content) == 2 {
		text = n.Content[0].Value
		v, err := r.value(n.Content[1])
		if err != nil {
			return nil, err
		}
		values, _ = v.(map[string]any)
	}
	var failed error
	text = placeholder.ReplaceAllStringFunc(text, func(ref string) string {
		name := ref[2 : len(ref)-1]
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			return "${" + literal + "}"
		}
		if v, ok := values[name]; ok {
			return fmt.Sprint(v)
		}
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

func (r *resolver) join(n *yaml.Node) (any, error) {
	v, err := r.value(n)
	if err != nil {
		return nil, err
	}
	args, _ := v.([]any)
	if len(args) == 2 {
		if list, ok := args[1].([]any); ok {
			parts := make([]string, len(list))
			for i, item := range list {
				parts[i] = fmt.Sprint(item)
			}
			return strings.Join(parts, fmt.Sprint(args[0])), nil
		}
	}
	return nil, fmt.Errorf("line %d: Join wants a separator and a list", n.Line)
}

// resource gives the node of a resource; nil when there is none.
func (r *resolver) resource(name string) *yaml.Node { return field(r.sections["Resources"], name) }

// field gives a mapping's value; nil when n is no mapping or lacks it.
func field(n *yaml.Node, name string) *yaml.Node {
	for key, value := range pairs(n) {
		if key == name {
			return value
		}
	}
	return nil
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
