package template

import (
	"fmt"
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

// readProperties lists what is read, by resource type: others may hold anything, and are
// not even evaluated.
var readProperties = map[string][]string{
	typeFunction: {"CodeUri", "Handler", "MemorySize", "Timeout", "Environment", "Events",
		"ReservedConcurrentExecutions"},
	typeAPI: {"StageName", "BinaryMediaTypes", "Auth", "GatewayResponses", "DefinitionBody", "DefinitionUri",
		"MethodSettings", "AccessLogSetting"},
	typeTable: {"KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes",
		"StreamSpecification", "TimeToLiveSpecification"},
	typeSecret: {"Name", "SecretString", "GenerateSecretString"},
}

// loader reads the resources of one template.
type loader struct {
	*resolver
	Settings
	template          *Template
	declared          []declaration
	defaultAuthorizer string                             // of the API's routes
	throttles         map[methodKey]*apigateway.Throttle // of the API's methods
}

// declaration is a resource of the template whose condition holds.
type declaration struct {
	id, kind string
	node     *yaml.Node
}

// read reads a template, whose settings must have a region and an account.
func read(raw []byte, parameters map[string]string, s Settings) (*loader, error) {
	sections, err := readSections(raw)
	if err != nil {
		return nil, err
	}
	l := &loader{
		Settings: s,
		template: &Template{},
		resolver: &resolver{
			sections: sections, region: s.Region, account: s.Account,
			refs: map[string]string{
				"AWS::Region": s.Region, "AWS::AccountId": s.Account, "AWS::Partition": "aws",
				"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "customercare",
			},
		},
	}
	if err := l.readParameters(parameters); err != nil {
		return nil, err
	}
	if err := l.declare(); err != nil {
		return nil, err
	}
	if err := l.readResources(); err != nil {
		return nil, err
	}
	return l, l.finishRoutes()
}

// declare finds the resources that are there, and the names of those that others refer
// to.
func (l *loader) declare() error {
	for id, n := range pairs(l.sections["Resources"]) {
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
		name, err := l.ownName(id, kind.Value)
		if err != nil {
			return err
		}
		switch kind.Value {
		case typeTable:
			l.refs[id] = l.TablePrefix + name
		case typeSecret:
			l.refs[id] = secrets.ARN(l.Region, l.Account, name)
		case typeAPI:
			l.refs[id] = apiID
		}
	}
	return nil
}

// ownName is the name that a table or a secret gives itself, or else its logical id.
func (l *loader) ownName(id, kind string) (string, error) {
	property, has := map[string]string{typeTable: "TableName", typeSecret: "Name"}[kind]
	given := field(field(l.resource(id), "Properties"), property)
	if !has || given == nil {
		return id, nil
	}
	v, err := l.value(given)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", id, property, err)
	}
	return fmt.Sprint(v), nil
}

// readResources reads what the local stack runs.
func (l *loader) readResources() error {
	readers := map[string]func(string, properties) error{
		typeFunction: l.readFunction, typeAPI: l.readAPI, typeTable: l.readTable, typeSecret: l.readSecret,
	}
	for _, d := range l.declared {
		read, runs := readers[d.kind]
		if !runs {
			l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("resource %s (%s)", d.id, d.kind))
			continue
		}
		own, err := l.known(d.kind, field(d.node, "Properties"))
		if err != nil {
			return fmt.Errorf("resource %s: %w", d.id, err)
		}
		global, err := l.known(d.kind, l.globals(d.kind))
		if err != nil {
			return fmt.Errorf("section Globals: %w", err)
		}
		if err := read(d.id, merge(global, own)); err != nil {
			return fmt.Errorf("resource %s: %w", d.id, err)
		}
	}
	return nil
}

// globals gives the properties that all resources of a kind of SAM's share.
func (l *loader) globals(kind string) *yaml.Node {
	return field(l.sections["Globals"], strings.TrimPrefix(kind, "AWS::Serverless::"))
}

// known evaluates those of the properties that are read.
func (l *loader) known(kind string, n *yaml.Node) (map[string]any, error) {
	m := map[string]any{}
	for name, value := range pairs(n) {
		if !slices.Contains(readProperties[kind], name) {
			continue
		}
		v, err := l.value(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if _, skip := v.(noValue); !skip {
			m[name] = v
		}
	}
	return m, nil
}
