package template

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Resource is one resource of a template as it stands there, with its references
// resolved: an ARN where AWS would put one, the logical id where only AWS knows the name.
type Resource struct {
	ID, Type   string
	Deletion   string // DeletionPolicy, empty when there is none
	Replace    string // UpdateReplacePolicy
	DependsOn  string // empty when there is none
	Metadata   map[string]any
	Properties map[string]any // string, bool, map[string]any and []any
}

// Resources reads all resources of the template at file whose condition holds, also those
// that the local stack does not run, with Globals laid below those of SAM. parameters
// override the defaults of the template's.
func Resources(file string, parameters map[string]string) ([]Resource, error) {
	l, err := open(file, parameters, Settings{})
	if err != nil {
		return nil, err
	}
	var all []Resource
	for _, d := range l.declared {
		r, err := l.whole(d)
		if err != nil {
			return nil, fmt.Errorf("resource %s: %w", d.id, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// whole resolves all that a resource says, whether the local stack runs it or not.
func (l *loader) whole(d declaration) (r Resource, err error) {
	text := func(name string) string {
		if v := field(d.node, name); v != nil {
			return v.Value
		}
		return ""
	}
	r = Resource{
		ID: d.id, Type: d.kind, Deletion: text("DeletionPolicy"), Replace: text("UpdateReplacePolicy"),
		DependsOn: text("DependsOn"),
	}
	if r.Metadata, err = l.mapping(field(d.node, "Metadata")); err != nil {
		return r, err
	}
	own, err := l.mapping(field(d.node, "Properties"))
	if err != nil {
		return r, err
	}
	global, err := l.mapping(l.globals(d.kind))
	r.Properties = merge(global, own)
	return r, err
}

func (l *loader) mapping(n *yaml.Node) (map[string]any, error) {
	v, err := l.value(n)
	m, _ := v.(map[string]any)
	return m, err
}
