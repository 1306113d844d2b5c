package template

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/repr"

	"customercare/infra/local/apigateway"
	"customercare/shared/operation"
)

// parse reads a template that is not in a file.
func parse(raw []byte, parameters map[string]string, s Settings) (*Template, error) {
	l, err := read(raw, parameters, s)
	if err != nil {
		return nil, err
	}
	return l.template, nil
}

// Everything the deployment consists of must be read from the real template.
func TestRealTemplate(t *testing.T) {
	template, err := Load("../../../template.yaml", map[string]string{"StageName": "prod"})
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, f := range template.Functions {
		folders = append(folders, f.Folder)
		if f.Handler != "bootstrap" || f.Timeout == 0 || f.MemoryMB == 0 {
			t.Errorf("function %s", repr.String(f))
		}
	}
	for _, want := range []string{operation.AuthorizeOperator, operation.AuthorizeApp, "continue-erasure", "cleanup"} {
		if !slices.Contains(folders, want) {
			t.Errorf("function %s is missing", want)
		}
	}
	routes := map[string]string{}
	for _, r := range template.API.Routes {
		routes[r.Method+" "+r.Path] = r.Authorizer
	}
	authorizers := map[string]string{operation.AuthorizeOperator: "Operator", operation.AuthorizeApp: "App"}
	for _, o := range operation.All {
		if !slices.Contains(folders, o.Name) {
			t.Errorf("function %s is missing", o.Name)
		}
		for _, path := range o.Paths {
			got, ok := routes[o.Method+" "+path]
			if want := authorizers[o.Authorizer]; !ok || got != want {
				t.Errorf("route %s %s has the authorizer %q (%t), want %q", o.Method, path, got, ok, want)
			}
		}
	}
	api := template.API
	if api.Stage != "prod" {
		t.Errorf("API %s", repr.String(api))
	}
	if !slices.Equal(template.Keys, []string{"LedgerKey"}) { // the one that encrypts means nothing here
		t.Errorf("keys %v", template.Keys)
	}
	operator, app := api.Authorizers["Operator"], api.Authorizers["App"]
	if operator.Function != "AuthorizeOperatorFunction" ||
		!slices.Equal(operator.Headers, []string{"Authorization"}) || !operator.Address ||
		operator.TTL != 300*time.Second {
		t.Errorf("Operator: %+v", operator)
	}
	if app.Function != "AuthorizeAppFunction" || app.Headers != nil || app.Address || app.TTL != 0 {
		t.Errorf("App: %+v", app)
	}
	for _, r := range api.Routes {
		want := apigateway.Throttle{Rate: 100, Burst: 100}
		switch {
		case r.Method == operation.AnyMethod: // of what is refused
		case strings.HasPrefix(r.Path, "/erasures") || strings.HasPrefix(r.Path, "/ledger"),
			strings.HasPrefix(r.Path, "/holds"):
			want.Rate = 20
		case r.Path == "/" || r.Path == "/api.php":
			want.Rate = 50
		case strings.HasPrefix(r.Path, "/api"):
			want.Rate = 20
		}
		if r.Throttle == nil || *r.Throttle != want {
			t.Errorf("%s %s has the throttle %v, want %v", r.Method, r.Path, r.Throttle, want)
		}
	}
	unauthorized := api.Responses["UNAUTHORIZED"]
	if unauthorized.StatusCode != 401 || unauthorized.Headers["WWW-Authenticate"] != `'Basic realm="customercare"'` ||
		len(unauthorized.Templates) != 2 {
		t.Errorf("UNAUTHORIZED: %+v", unauthorized)
	}
	var tables []string
	for _, table := range template.Tables {
		tables = append(tables, table.LogicalID)
	}
	slices.Sort(tables)
	if !slices.Equal(tables, []string{"Contacts", "Customers", "Erasures", "Holds", "Log", "Principals", "Rules", "Users"}) {
		t.Errorf("tables %v", tables)
	}
	if len(template.Streams) != 1 || template.Streams[0].Table != "Erasures" ||
		len(template.Streams[0].Filters) == 0 {
		t.Errorf("streams %+v", template.Streams)
	}
	for _, s := range template.Schedules {
		if want := map[bool]time.Duration{false: time.Minute, true: time.Hour}[s.Function == "ApplyRetentionFunction"]; s.Every != want {
			t.Errorf("schedule %+v", s)
		}
	}
	if len(template.Schedules) != 3 {
		t.Errorf("schedules %+v", template.Schedules)
	}
	if len(template.Secrets) != 1 || template.Secrets[0].Name != "DigestKeys" ||
		!regexp.MustCompile(`^\{"1":"[A-Za-z0-9]{64}"\}$`).MatchString(template.Secrets[0].Text) {
		t.Errorf("secrets %+v", template.Secrets)
	}
	if !slices.Equal(template.Keys, []string{"LedgerKey"}) {
		t.Errorf("keys %v", template.Keys)
	}
	if !strings.Contains(api.AccessLog, `"resource":"$context.resourcePath"`) {
		t.Errorf("the access log's lines are %q", api.AccessLog)
	}
	if again, err := Load("../../../template.yaml", nil); err != nil || again.Secrets[0].Text == template.Secrets[0].Text {
		t.Errorf("two stacks have one secret: %v", err)
	}
	f, _ := template.Function(operation.CleanCustomerData.Name)
	if f.Environment["DIGEST_KEYS"] != template.Secrets[0].ARN || f.Environment["DIGEST_KEY_ID"] != "1" ||
		f.Environment["ERASURES_TABLE"] != "Erasures" {
		t.Errorf("its variables are %v", f.Environment)
	}
}

func TestTablePrefixReachesVariables(t *testing.T) {
	template, err := Settings{TablePrefix: "p-"}.Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := template.Function(operation.DeleteCustomerInfo.Name)
	if f.Environment["USERS_TABLE"] != "p-Users" || template.Streams[0].Table != "p-Erasures" {
		t.Errorf("%v, %+v", f.Environment, template.Streams)
	}
}

func TestMethodSettings(t *testing.T) {
	read := func(list string) (*Template, error) {
		return parse([]byte(`
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: f/
      Events:
        Root: {Type: Api, Properties: {Method: get, Path: "/"}}
        Deep: {Type: Api, Properties: {Method: get, Path: "/a/{b}"}}
        Any: {Type: Api, Properties: {Method: put, Path: "/a/{b}"}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: s
      BinaryMediaTypes: ["*~1*"]
      MethodSettings:
`+list), nil, Settings{Region: "r"})
	}
	template, err := read(`
        - {ResourcePath: "/*", HttpMethod: "*", ThrottlingRateLimit: 100, ThrottlingBurstLimit: 7}
        - {ResourcePath: "/", HttpMethod: GET, ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1}
        - {ResourcePath: "/~1a~1{b}", HttpMethod: get, ThrottlingRateLimit: 9, ThrottlingBurstLimit: 5}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]apigateway.Throttle{}
	for _, r := range template.API.Routes {
		got[r.Method+" "+r.Path] = *r.Throttle
	}
	if want := map[string]apigateway.Throttle{
		"GET /": {Rate: 0.5, Burst: 1}, "GET /a/{b}": {Rate: 9, Burst: 5}, "PUT /a/{b}": {Rate: 100, Burst: 7},
	}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for setting, want := range map[string]string{
		`{ResourcePath: "a", HttpMethod: GET, ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1}`: "names no method",
		`{ResourcePath: "/", ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1}`:                  "names no method",
		`{ResourcePath: "/", HttpMethod: GET, ThrottlingRateLimit: 1}`:                          "no two limits",
		`{ResourcePath: "/", HttpMethod: GET, ThrottlingRateLimit: fast}`:                       `unmarshal "fast" into float64`,
		`{ResourcePath: "/", HttpMethod: GET, ThrottlingBurstLimit: 1.5}`:                       `number 1.5 into Go struct field`,
	} {
		if _, err := read("        - " + setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", setting, err, want)
		}
	}
}

// What the template reserves of the account's concurrency bounds its function here too.
func TestReservedConcurrencyIsRead(t *testing.T) {
	template, err := Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range template.Functions {
		reserves := f.Folder == "continue-erasure"
		if reserves != (f.Reserved != nil) || reserves && *f.Reserved != 40 {
			t.Errorf("%s reserves %s", f.Folder, repr.String(f.Reserved))
		}
	}
}

// What would run otherwise than on AWS is refused.
func TestWhatTheLocalStackCannotDoIsNamed(t *testing.T) {
	for _, c := range []struct{ resource, want string }{
		{`{Type: "AWS::DynamoDB::Table", Properties: {LocalSecondaryIndexes: [{IndexName: i}]}}`,
			"resource R: the local stack does not know LocalSecondaryIndexes"},
		{`{Type: "AWS::DynamoDB::Table", Properties: {TableName: t}}`,
			"does not know TableName"},
		{`{Type: "AWS::DynamoDB::Table", Properties: {StreamSpecification: {StreamViewType: NEW_IMAGE}}}`,
			"the local stack makes streams of keys only"},
		{`{Type: "AWS::SecretsManager::Secret", Properties: {SecretString: s}}`,
			"does not know SecretString"},
		{`{Type: "AWS::SecretsManager::Secret", Properties: {GenerateSecretString: {PasswordLength: 8}}}`,
			"the local stack generates a secret of PasswordLength letters and digits only"},
		{`{Type: "AWS::SecretsManager::Secret", Properties: {GenerateSecretString: {IncludeSpace: true}}}`,
			`unknown field "IncludeSpace"`},
		{`{Type: "AWS::KMS::Key", Properties: {KeySpec: ECC_NIST_P256, KeyUsage: SIGN_VERIFY}}`,
			"the local stack knows keys of the spec ECC_NIST_EDWARDS25519 for SIGN_VERIFY only"},
		{`{Type: "AWS::KMS::Key", Properties: {KeySpec: ECC_NIST_EDWARDS25519, KeyUsage: SIGN_VERIFY, Enabled: false}}`,
			"does not know Enabled"},
		{`{Type: "AWS::Serverless::Api", Properties: {BinaryMediaTypes: [image~1png]}}`,
			"the local stack takes every body for a binary one only"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, DefinitionUri: u}}`,
			"does not know DefinitionUri"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, Auth: {Authorizers: {A: {FunctionArn: a}}}}}`,
			"authorizer A: the local stack knows authorizers of the type REQUEST only"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, Auth: {DefaultAuthorizer: A}}}`,
			`the local stack does not know this: unknown field "DefaultAuthorizer"`},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, Auth: {Authorizers: {A: {Identity: {QueryStrings: [q]}}}}}}`,
			`unknown field "QueryStrings"`},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, Auth: {Authorizers: {A: {FunctionPayloadType: REQUEST, Identity: {Context: [path]}}}}}}`,
			"authorizer A: the local stack knows no context but identity.sourceIp"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, GatewayResponses: {THROTTLED: {StatusCode: 429, ResponseParameters: {Headers: {A: context.path}}}}}}`,
			"the local stack knows 'static text' of headers only, not A: context.path"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, GatewayResponses: {THROTTLED: {StatusCode: 429, ResponseTemplates: {text/plain: $context.path}}}}}`,
			"the local stack knows no variables in templates"},
		{`{Type: "AWS::Serverless::Api", Properties: {StageName: s, GatewayResponses: {THROTTLED: {ResponseTemplates: {text/plain: a}}}}}`,
			"gateway response THROTTLED: StatusCode 0 is no HTTP status"},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: Api, Properties: {Method: get, Path: /, Auth: {Authorizer: A}}}}}}`,
			`event E: it wants the authorizer "A", which is not there`},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: DynamoDB, Properties: {Stream: "arn:aws:dynamodb:r:1:table/T/stream/latest", StartingPosition: LATEST}}}}}`,
			"event E: the local stack reads streams from TRIM_HORIZON only"},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: DynamoDB, Properties: {Stream: "arn:aws:dynamodb:r:1:table/T/stream/latest", StartingPosition: TRIM_HORIZON}}}}}`,
			"the local stack delivers the records of a stream one by one only"},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: DynamoDB, Properties: {Stream: "arn:aws:dynamodb:r:1:table/T/stream/latest", StartingPosition: TRIM_HORIZON, BatchSize: 1}}}}}`,
			"the local stack knows functions that report their failures only"},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: DynamoDB, Properties: {Stream: "arn:aws:dynamodb:r:1:table/T/stream/latest", TumblingWindowInSeconds: 1}}}}}`,
			`unknown field "TumblingWindowInSeconds"`},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: Schedule, Properties: {Schedule: "cron(0 3 * * ? *)"}}}}}`,
			"the local stack runs a schedule at rate(1 minute) or rate(1 hour) only, not cron(0 3 * * ? *)"},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: Schedule, Properties: {Schedule: rate(1 minute), Enabled: false}}}}}`,
			`unknown field "Enabled"`},
		{`{Type: "AWS::Serverless::Function", Properties: {CodeUri: f, Events: {E: {Type: SQS, Properties: {Queue: q}}}}}`,
			"event E: the local stack does not know events of the type SQS"},
	} {
		_, err := parse([]byte("Resources: {R: "+c.resource+"}"), nil, Settings{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.resource, err, c.want)
		}
	}
	for text, want := range map[string]string{"- A": "no mapping of sections", "": "no mapping of sections"} {
		if _, err := parse([]byte(text), nil, Settings{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
