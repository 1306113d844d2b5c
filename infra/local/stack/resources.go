package stack

import (
	"fmt"
	"os"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"customercare/infra/local/engine"
)

// Resource is one resource of a template as it stands there, with its references resolved: an ARN where AWS would put
// one, the logical id where only AWS knows the name.
type Resource struct {
	ID, Type   string
	Deletion   string // DeletionPolicy, empty when there is none
	Replace    string // UpdateReplacePolicy
	DependsOn  string // empty when there is none
	Metadata   map[string]any
	Properties map[string]any // string, bool, map[string]any and []any
}

// Resources reads all resources of the template at file whose condition holds, also those that the local stack does not
// run, with Globals laid below those of SAM. params override the defaults of its Parameters.
func Resources(file string, params map[string]string) ([]Resource, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	l, err := read(raw, params, settings{region: engine.Region, account: accountID})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(file), err)
	}
	var all []Resource
	for name, n := range pairs(l.resolver.template["Resources"]) {
		if c := field(n, "Condition"); c != nil {
			if there, err := l.condition(c.Value); err != nil {
				return nil, err
			} else if !there {
				continue
			}
		}
		r := Resource{ID: name}
		for into, from := range map[*string]string{&r.Type: "Type", &r.Deletion: "DeletionPolicy", &r.Replace: "UpdateReplacePolicy", &r.DependsOn: "DependsOn"} {
			if v := field(n, from); v != nil {
				*into = v.Value
			}
		}
		if r.Metadata, err = l.mapping(field(n, "Metadata")); err != nil {
			return nil, fmt.Errorf("resource %s: %w", name, err)
		}
		if r.Properties, err = l.mapping(field(n, "Properties")); err != nil {
			return nil, fmt.Errorf("resource %s: %w", name, err)
		}
		global, err := l.mapping(field(l.resolver.template["Globals"], strings.TrimPrefix(r.Type, "AWS::Serverless::")))
		if err != nil {
			return nil, fmt.Errorf("section Globals: %w", err)
		}
		r.Properties = merge(global, r.Properties)
		all = append(all, r)
	}
	return all, nil
}

func (l *loader) mapping(n *yaml.Node) (map[string]any, error) {
	v, err := l.value(n)
	m, _ := v.(map[string]any)
	return m, err
}
