package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/secrets"
)

const (
	typeFunction = "AWS::Serverless::Function"
	typeAPI      = "AWS::Serverless::Api"
	typeTable    = "AWS::DynamoDB::Table"
	typeSecret   = "AWS::SecretsManager::Secret"
)

// refused lists, by resource type, properties that would make a resource another one
// than what runs here.
var refused = map[string][]string{
	typeAPI:    {"DefinitionBody", "DefinitionUri"},
	typeTable:  {"LocalSecondaryIndexes", "TableName"},
	typeSecret: {"Name", "SecretString"},
}

// loader reads the resources of one template.
type loader struct {
	*resolver
	Settings
	template  *Template
	declared  []declaration
	throttles map[string]*apigateway.Throttle // of the API's methods, by "METHOD /path"
}

// declaration is a resource of the template whose condition holds.
type declaration struct {
	id, kind string
	node     *yaml.Node
}

// read reads a template, whose settings must have a region.
func read(raw []byte, parameters map[string]string, s Settings) (*loader, error) {
	root, err := readYAML(raw)
	if err != nil {
		return nil, err
	}
	l := &loader{
		Settings: s,
		template: &Template{},
		resolver: &resolver{root: root, region: s.Region, refs: map[string]string{
			"AWS::Region": s.Region, "AWS::AccountId": AccountID, "AWS::Partition": "aws",
			"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "customercare",
		}},
	}
	if err := l.readParameters(parameters); err != nil {
		return nil, err
	}
	if err := l.declare(); err != nil {
		return nil, err
	}
	return l, l.readResources()
}

// declare finds the resources that are there, and the names of those that others refer
// to.
func (l *loader) declare() error {
	for id, n := range pairs(field(l.root, "Resources")) {
		if c := field(n, "Condition"); c != nil {
			if there, err := l.condition(c.Value); err != nil {
				return err
			} else if !there {
				continue
			}
		}
		kind := field(n, "Type")
		if kind == nil {
			return fmt.Errorf("resource %s has no Type", id)
		}
		l.declared = append(l.declared, declaration{id, kind.Value, n})
		switch kind.Value {
		case typeTable:
			l.refs[id] = l.TablePrefix + id
		case typeSecret:
			l.refs[id] = secrets.ARN(l.Region, AccountID, id)
		case typeAPI:
			l.refs[id] = apiID
		}
	}
	return nil
}

// readResources reads what the local stack runs: the API before the functions, whose
// events are its routes.
func (l *loader) readResources() error {
	readers := []struct {
		kind string
		read func(declaration) error
	}{
		{typeAPI, l.readAPI}, {typeTable, l.readTable}, {typeSecret, l.readSecret}, {typeFunction, l.readFunction},
	}
	for _, reader := range readers {
		for _, d := range l.declared {
			if d.kind != reader.kind {
				continue
			}
			for _, name := range refused[d.kind] {
				if field(field(d.node, "Properties"), name) != nil {
					return fmt.Errorf("resource %s: the local stack does not know %s", d.id, name)
				}
			}
			if err := reader.read(d); err != nil {
				return fmt.Errorf("resource %s: %w", d.id, err)
			}
		}
	}
	for _, d := range l.declared {
		if !slices.Contains([]string{typeAPI, typeTable, typeSecret, typeFunction}, d.kind) {
			l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("resource %s (%s)", d.id, d.kind))
		}
	}
	return l.checkAuthorizers()
}

// properties evaluates those properties of a resource, with Globals below its own, that
// into, a pointer to a struct, has a field for: others may hold anything. Within them
// nothing may be that into does not know.
func (l *loader) properties(d declaration, into any) error {
	known := func(n *yaml.Node) (map[string]any, error) {
		found := map[string]any{}
		for name, value := range pairs(n) {
			if _, is := reflect.TypeOf(into).Elem().FieldByName(name); !is {
				continue
			}
			v, err := l.value(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if v != nil {
				found[name] = v
			}
		}
		return found, nil
	}
	own, err := known(field(d.node, "Properties"))
	if err != nil {
		return err
	}
	global, err := known(l.globals(d.kind))
	if err != nil {
		return fmt.Errorf("section Globals: %w", err)
	}
	return decode(merge(global, own), into)
}

// decode lays a resolved value over what into points to.
func decode(value, into any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errors.New("the local stack does not know this: " + strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// globals gives the properties that all resources of a kind of SAM's share.
func (l *loader) globals(kind string) *yaml.Node {
	return field(field(l.root, "Globals"), strings.TrimPrefix(kind, "AWS::Serverless::"))
}

// merge lays a resource's properties over the Globals of its kind as SAM does: scalars
// replace, mappings merge, lists are appended.
func merge(global, own map[string]any) map[string]any {
	merged := map[string]any{}
	maps.Copy(merged, global)
	for name, value := range own {
		switch v := value.(type) {
		case map[string]any:
			if before, ok := merged[name].(map[string]any); ok {
				value = merge(before, v)
			}
		case []any:
			if before, ok := merged[name].([]any); ok {
				value = append(slices.Clone(before), v...)
			}
		}
		merged[name] = value
	}
	return merged
}
