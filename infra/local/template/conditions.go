package template

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// choose evaluates Fn::If; only the branch that is taken.
func (r *resolver) choose(n *yaml.Node) (any, error) {
	if n.Kind != yaml.SequenceNode || len(n.Content) != 3 {
		return nil, fmt.Errorf("line %d: If wants a condition and two values", n.Line)
	}
	yes, err := r.condition(n.Content[0].Value)
	if err != nil {
		return nil, err
	}
	if yes {
		return r.value(n.Content[1])
	}
	return r.value(n.Content[2])
}

// condition evaluates a condition of the Conditions section.
func (r *resolver) condition(name string) (bool, error) {
	n := field(r.sections["Conditions"], name)
	if n == nil {
		return false, fmt.Errorf("there is no condition %q", name)
	}
	v, err := r.value(n)
	if err != nil {
		return false, fmt.Errorf("condition %s: %w", name, err)
	}
	yes, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("condition %s is neither true nor false", name)
	}
	return yes, nil
}

// logic evaluates Equals, And, Or and Not.
func (r *resolver) logic(name string, n *yaml.Node) (any, error) {
	v, err := r.value(n)
	if err != nil {
		return nil, err
	}
	args, _ := v.([]any)
	if name == "Equals" && len(args) == 2 {
		return fmt.Sprint(args[0]) == fmt.Sprint(args[1]), nil
	}
	all, any := true, false
	for _, arg := range args {
		yes, ok := arg.(bool)
		if !ok {
			return nil, fmt.Errorf("line %d: %s wants conditions", n.Line, name)
		}
		all, any = all && yes, any || yes
	}
	switch {
	case name == "And" && len(args) > 0:
		return all, nil
	case name == "Or" && len(args) > 0:
		return any, nil
	case name == "Not" && len(args) == 1:
		return !any, nil
	}
	return nil, fmt.Errorf("line %d: %s has the wrong number of arguments", n.Line, name)
}
