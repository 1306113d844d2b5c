package stack

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/engine"
	"customercare/infra/local/lambda"
	"customercare/infra/local/secrets"
	"customercare/infra/local/stream"
)

const (
	typeFunction = "AWS::Serverless::Function"
	typeAPI      = "AWS::Serverless::Api"
	typeTable    = "AWS::DynamoDB::Table"
	typeSecret   = "AWS::SecretsManager::Secret"
)

// Template is template.yaml as the local stack understands it, with all references resolved.
type Template struct {
	Parameters map[string]string // given values and defaults
	Functions  []lambda.Function
	API        apigateway.API // its Routes, Authorizers and Responses
	Tables     []Table
	Secrets    []secrets.Secret
	Streams    []stream.Mapping
	Schedules  []Schedule
	// Ignored names what the local stack does not run, each as "<part> <name> (<type>)".
	Ignored []string

	defaultAuthorizer string
}

// Function gives the function whose code lies in functions/<folder>.
func (t *Template) Function(folder string) (lambda.Function, bool) {
	at := slices.IndexFunc(t.Functions, func(f lambda.Function) bool { return f.Folder == folder })
	if at < 0 {
		return lambda.Function{}, false
	}
	return t.Functions[at], true
}

// byFolder gives tell what it is told with the function's folder in place of its name; nil for nil.
func (t *Template) byFolder(tell func(apigateway.Access)) func(apigateway.Access) {
	if tell == nil {
		return nil
	}
	folders := map[string]string{}
	for _, f := range t.Functions {
		folders[f.Name] = f.Folder
	}
	return func(a apigateway.Access) {
		a.Function = folders[a.Function]
		tell(a)
	}
}

// Load reads the template at file. params override the defaults of its Parameters; a parameter without default must be
// given. A value that CloudFormation would refuse is refused.
func Load(file string, params map[string]string) (*Template, error) {
	return load(file, params, settings{region: engine.Region, account: accountID})
}

// settings are what differs between two stacks of one template.
type settings struct {
	region, account string
	tablePrefix     string // in front of every table's name
	beyondBounds    bool   // parameters may be less than their MinValue and more than their MaxValue
}

// loader reads the resources of one template.
type loader struct {
	*resolver
	settings
	template  *Template
	throttles map[methodKey]*apigateway.Throttle // of the API's methods
}

func load(file string, params map[string]string, set settings) (*Template, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	t, err := parse(raw, params, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(file), err)
	}
	return t, nil
}

func parse(raw []byte, params map[string]string, set settings) (*Template, error) {
	l, err := read(raw, params, set)
	if err != nil {
		return nil, err
	}
	return l.template, nil
}

// read gives the loader itself, which can still resolve what the local stack does not run.
func read(raw []byte, params map[string]string, set settings) (*loader, error) {
	sections, err := readSections(raw)
	if err != nil {
		return nil, err
	}
	l := &loader{
		settings: set,
		template: &Template{},
		resolver: &resolver{
			template: sections, region: set.region, account: set.account,
			refs: map[string]string{
				"AWS::Region": set.region, "AWS::AccountId": set.account, "AWS::Partition": "aws",
				"AWS::URLSuffix": "amazonaws.com", "AWS::StackName": "customercare",
			},
		},
	}
	if err := l.readParameters(params); err != nil {
		return nil, err
	}
	return l, l.readResources()
}

// readResources reads what the local stack runs. Names come first, because resources refer to each other.
func (l *loader) readResources() error {
	var names []string
	for name, n := range pairs(l.resolver.template["Resources"]) {
		if c := field(n, "Condition"); c != nil {
			if there, err := l.condition(c.Value); err != nil {
				return err
			} else if !there {
				continue
			}
		}
		names = append(names, name)
		switch kind := field(n, "Type"); {
		case kind == nil:
			return fmt.Errorf("resource %s has no Type", name)
		case kind.Value == typeTable:
			own, err := l.ownName(name, "TableName")
			if err != nil {
				return err
			}
			l.refs[name] = l.tablePrefix + own
		case kind.Value == typeSecret:
			own, err := l.ownName(name, "Name")
			if err != nil {
				return err
			}
			l.refs[name] = secrets.ARN(l.settings.region, l.settings.account, own)
		case kind.Value == typeAPI:
			l.refs[name] = apiID
		}
	}
	for _, name := range names {
		n := l.resource(name)
		kind := field(n, "Type").Value
		var read func(string, properties) error
		switch kind {
		case typeFunction:
			read = l.readFunction
		case typeAPI:
			read = l.readAPI
		case typeTable:
			read = l.readTable
		case typeSecret:
			read = l.readSecret
		default:
			l.template.Ignored = append(l.template.Ignored, fmt.Sprintf("resource %s (%s)", name, kind))
			continue
		}
		own, err := l.known(kind, field(n, "Properties"))
		if err != nil {
			return fmt.Errorf("resource %s: %w", name, err)
		}
		global, err := l.known(kind, field(l.resolver.template["Globals"], strings.TrimPrefix(kind, "AWS::Serverless::")))
		if err != nil {
			return fmt.Errorf("section Globals: %w", err)
		}
		if err := read(name, merge(global, own)); err != nil {
			return fmt.Errorf("resource %s: %w", name, err)
		}
	}
	return l.finishRoutes()
}

// ownName is the name that the property gives the resource, or else its logical id.
func (l *loader) ownName(logicalID, property string) (string, error) {
	given := field(field(l.resource(logicalID), "Properties"), property)
	if given == nil {
		return logicalID, nil
	}
	v, err := l.value(given)
	if err != nil {
		return "", fmt.Errorf("%s: %s: %w", logicalID, property, err)
	}
	return fmt.Sprint(v), nil
}

// readProperties lists what is read, by resource type: others may hold anything, and are not even evaluated.
var readProperties = map[string][]string{
	typeFunction: {"CodeUri", "Handler", "MemorySize", "Timeout", "LoggingConfig", "Environment", "Events", "ReservedConcurrentExecutions"},
	typeAPI: {"StageName", "BinaryMediaTypes", "Auth", "GatewayResponses", "DefinitionBody", "DefinitionUri",
		"MethodSettings", "AccessLogSetting"},
	typeTable: {"KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes", "StreamSpecification",
		"TimeToLiveSpecification"},
	typeSecret: {"Name", "SecretString", "GenerateSecretString"},
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
		if _, left := v.(noValue); !left {
			m[name] = v
		}
	}
	return m, nil
}

// pairs runs over a mapping in the template's order.
func pairs(n *yaml.Node) func(yield func(string, *yaml.Node) bool) {
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
