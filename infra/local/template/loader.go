package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/kms"
	"customercare/infra/local/secrets"
)

const (
	typeFunction = "AWS::Serverless::Function"
	typeAPI      = "AWS::Serverless::Api"
	typeTable    = "AWS::DynamoDB::Table"
	typeSecret   = "AWS::SecretsManager::Secret"
	typeKey      = "AWS::KMS::Key"
)

// refused lists, by resource type, properties that would make a resource another one
// than what runs here.
var refused = map[string][]string{
	typeAPI:    {"DefinitionBody", "DefinitionUri"},
	typeTable:  {"LocalSecondaryIndexes", "TableName"},
	typeSecret: {"Name", "SecretString"},
	typeKey:    {"Enabled", "Origin", "MultiRegion"},
}

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

// loader reads one template.
type loader struct {
	*resolver
	Settings
	template  *Template
	resources []Resource                      // whose condition holds
	throttles map[string]*apigateway.Throttle // of the API's methods, by "METHOD /path"
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
	for i := range l.resources {
		if err := l.resolve(&l.resources[i]); err != nil {
			return nil, fmt.Errorf("resource %s: %w", l.resources[i].ID, err)
		}
	}
	return l, l.readResources()
}

// declare finds the resources that are there, and the names of those that others refer
// to.
func (l *loader) declare() error {
	for id, n := range pairs(field(l.root, "Resources")) {
		if there, err := l.isThere(id); err != nil {
			return err
		} else if !there {
			continue
		}
		r := Resource{
			ID: id, Type: text(n, "Type"), Deletion: text(n, "DeletionPolicy"),
			Replace: text(n, "UpdateReplacePolicy"), DependsOn: text(n, "DependsOn"),
		}
		l.resources = append(l.resources, r)
		switch r.Type {
		case "":
			return fmt.Errorf("resource %s has no Type", id)
		case typeTable:
			l.refs[id] = l.TablePrefix + id
		case typeSecret:
			l.refs[id] = secrets.ARN(l.Region, AccountID, id)
		case typeKey:
			l.refs[id] = kms.ID(id)
		case typeAPI:
			l.refs[id] = apiID
		}
	}
	return nil
}

// outputs evaluates the section Outputs.
func (l *loader) outputs() (map[string]string, error) {
	all := map[string]string{}
	for name, n := range pairs(field(l.root, "Outputs")) {
		if c := text(n, "Condition"); c != "" {
			if there, err := l.condition(c); err != nil {
				return nil, err
			} else if !there {
				continue
			}
		}
		v, err := l.value(field(n, "Value"))
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", name, err)
		}
		all[name] = fmt.Sprint(v)
	}
	return all, nil
}

// resolve gives the resource its Metadata and its Properties, with Globals below them.
func (l *loader) resolve(r *Resource) (err error) {
	mapping := func(n *yaml.Node) map[string]any {
		v, fault := l.value(n)
		err = cmp.Or(err, fault)
		m, _ := v.(map[string]any)
		return m
	}
	n := l.resource(r.ID)
	global := mapping(field(field(l.root, "Globals"), strings.TrimPrefix(r.Type, "AWS::Serverless::")))
	r.Metadata, r.Properties = mapping(field(n, "Metadata")), merge(global, mapping(field(n, "Properties")))
	return err
}

// readResources reads what the local stack runs: the API before the functions, whose
// events are its routes.
func (l *loader) readResources() error {
	readers := []struct {
		kind string
		read func(Resource) error
	}{
		{typeAPI, l.readAPI}, {typeTable, l.readTable}, {typeSecret, l.readSecret}, {typeKey, l.readKey},
		{typeFunction, l.readFunction},
	}
	runs := map[string]bool{}
	for _, reader := range readers {
		runs[reader.kind] = true
		for _, r := range l.resources {
			if r.Type != reader.kind {
				continue
			}
			for _, name := range refused[r.Type] {
				if r.Properties[name] != nil {
					return fmt.Errorf("resource %s: the local stack does not know %s", r.ID, name)
				}
			}
			if err := reader.read(r); err != nil {
				return fmt.Errorf("resource %s: %w", r.ID, err)
			}
		}
	}
	for _, r := range l.resources {
		if !runs[r.Type] {
			l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("resource %s (%s)", r.ID, r.Type))
		}
	}
	return nil
}

// read puts into the struct that into points to those properties that it has a field for:
// others mean nothing here. Within them nothing may be that the struct does not know.
func (r Resource) read(into any) error {
	known := maps.Clone(r.Properties)
	maps.DeleteFunc(known, func(name string, _ any) bool {
		_, is := reflect.TypeOf(into).Elem().FieldByName(name)
		return !is
	})
	return decode(known, into)
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

// merge lays a resource's properties over the Globals of its kind: mappings merge, and
// anything else replaces. SAM appends lists, of which none is in both in template.yaml.
func merge(global, own map[string]any) map[string]any {
	merged := map[string]any{}
	maps.Copy(merged, global)
	for name, value := range own {
		before, both := merged[name].(map[string]any)
		if after, is := value.(map[string]any); both && is {
			value = merge(before, after)
		}
		merged[name] = value
	}
	return merged
}
