package template

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"customercare/infra/local/apigateway"
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
			t.Errorf("function %+v", f)
		}
	}
	for _, want := range []string{"delete-customer-info", "set-temporary-allow", "delete-customer", "clean-customer-data", "issue-token",
		"authorize-operator", "authorize-app", "continue-erasure", "cleanup"} {
		if !slices.Contains(folders, want) {
			t.Errorf("function %s is missing", want)
		}
	}
	routes := map[string]string{}
	for _, r := range template.API.Routes {
		routes[r.Method+" "+r.Path] = r.Authorizer
	}
	for route, authorizer := range map[string]string{
		"DELETE /customercare/v1/{customerId}/provision":      "Operator",
		"PUT /risk-cc/customercare/v1/{customerId}/provision": "Operator",
		"POST /":        "",
		"POST /api.php": "",
		"POST /apiaccess/CC-Management/v1/clearUserInfo/cleancustpersonaldata": "App",
		"POST /apigovernance/api/oauth/tokenByAkSk":                            "",
	} {
		if got, ok := routes[route]; !ok || got != authorizer {
			t.Errorf("route %s has the authorizer %q (%t), want %q", route, got, ok, authorizer)
		}
	}
	api := template.API
	if api.Stage != "prod" || !slices.Equal(api.BinaryMediaTypes, []string{"*/*"}) {
		t.Errorf("API %+v", api)
	}
	operator, app := api.Authorizers["Operator"], api.Authorizers["App"]
	if operator.Function != "AuthorizeOperatorFunction" || fmt.Sprint(operator.Sources) != "[{header Authorization} {context identity.sourceIp}]" || operator.TTL != 300*time.Second {
		t.Errorf("Operator: %+v", operator)
	}
	if app.Function != "AuthorizeAppFunction" || app.Sources != nil || app.TTL != 0 {
		t.Errorf("App: %+v", app)
	}
	for _, r := range api.Routes {
		want := apigateway.Throttle{Rate: 100, Burst: 100}
		switch {
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
	if unauthorized.StatusCode != 401 || unauthorized.Headers["WWW-Authenticate"] != `'Basic realm="customercare"'` || len(unauthorized.Templates) != 2 {
		t.Errorf("UNAUTHORIZED: %+v", unauthorized)
	}
	var tables []string
	for _, table := range template.Tables {
		tables = append(tables, table.LogicalID)
	}
	if slices.Sort(tables); !slices.Equal(tables, []string{"Contacts", "Customers", "Erasures", "Principals", "Users"}) {
		t.Errorf("tables %v", tables)
	}
	if len(template.Streams) != 1 || template.Streams[0].Table != "Erasures" || len(template.Streams[0].Filters) == 0 || !template.Streams[0].ReportFailures {
		t.Errorf("streams %+v", template.Streams)
	}
	if len(template.Schedules) != 1 || template.Schedules[0].Every != time.Minute {
		t.Errorf("schedules %+v", template.Schedules)
	}
	if len(template.Secrets) != 1 || template.Secrets[0].Name != "DigestKeys" || !regexp.MustCompile(`^\{"1":"[A-Za-z0-9]{64}"\}$`).MatchString(template.Secrets[0].Text) {
		t.Errorf("secrets %+v", template.Secrets)
	}
	if !strings.Contains(api.AccessLog, `"resource":"$context.resourcePath"`) {
		t.Errorf("the access log's lines are %q", api.AccessLog)
	}
	f, _ := template.Function("clean-customer-data")
	if f.Environment["DIGEST_KEYS"] != template.Secrets[0].ARN || f.Environment["DIGEST_KEY_ID"] != "1" || f.Environment["ERASURES_TABLE"] != "Erasures" {
		t.Errorf("clean-customer-data has %v", f.Environment)
	}
}

func TestTablePrefixReachesVariables(t *testing.T) {
	template, err := Settings{TablePrefix: "p-"}.Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := template.Function("delete-customer-info")
	if f.Environment["USERS_TABLE"] != "p-Users" || template.Streams[0].Table != "p-Erasures" {
		t.Errorf("%v, %+v", f.Environment, template.Streams)
	}
}

func TestParametersAreChecked(t *testing.T) {
	for _, c := range []struct {
		file   string
		params map[string]string
		want   string
	}{
		{"../stack/testdata/template.yaml", nil, "Greeting has no default"},
		{"../stack/testdata/template.yaml", map[string]string{"Greeting": "hi"}, "Greeting is shorter"},
		{"../../../template.yaml", map[string]string{"TempAllowTypes": "all"}, "TempAllowTypes does not match"},
		{"../../../template.yaml", map[string]string{"DigestKeyId": "1.2"}, "DigestKeyId does not match"},
		{"../../../template.yaml", map[string]string{"Nobody": "x"}, `no parameter "Nobody"`},
		{"../../../template.yaml", map[string]string{"ClockSkew": "0m"}, `parameter ClockSkew does not match ^(0s|[1-9][0-9]{0,5}(ms|s|m))$: "0m" (the default is 1m)`},
		{"../../../template.yaml", map[string]string{"ClockSkew": "1s\n"}, "ClockSkew does not match"},
		{"../../../template.yaml", map[string]string{"DrainBudget": "21s"}, "(at most 20s, which leaves"},
		{"../../../template.yaml", map[string]string{"SetsApiGatewayLogRole": "yes"}, `SetsApiGatewayLogRole has a value that is not allowed: "yes"`},
		{"../../../template.yaml", map[string]string{"LogRetentionDays": "2"}, "LogRetentionDays has a value that is not allowed"},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "0"}, `ProvisionRate is less than 1: "0"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "10001"}, `ProvisionRate is more than 10000: "10001"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "many"}, `ProvisionRate is no number: "many"`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": ""}, `ProvisionRate is no number: ""`},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "NaN"}, "ProvisionRate is no number"},
		{"../../../template.yaml", map[string]string{"ProvisionRate": "0x10"}, "ProvisionRate is no number"},
		{"../../../template.yaml", map[string]string{"GuessLimit": "1e1"}, "GuessLimit is no number"},
	} {
		if _, err := Load(c.file, c.params); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %s", c.params, err, c.want)
		}
	}
}

// Every fault is named at once, a sentence for each; the other parameters keep their
// defaults.
func TestAllFaultsOfParametersAreNamed(t *testing.T) {
	_, err := Load("../../../template.yaml", map[string]string{"Nobody": "x", "Alone": "y", "ClockSkew": "z", "CleanRate": "-1"})
	want := "template.yaml: there is no parameter \"Alone\"\nthere is no parameter \"Nobody\"\n" +
		"parameter CleanRate is less than 1: \"-1\"\nparameter ClockSkew does not match ^(0s|[1-9][0-9]{0,5}(ms|s|m))$: \"z\" (the default is 1m)"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	template, err := Load("../../../template.yaml", map[string]string{"WriterLifetime": "2s", "ClockSkew": "0s"})
	if err != nil || template.Parameters["ClockSkew"] != "0s" || template.Parameters["WriterLifetime"] != "2s" || template.Parameters["CleanRate"] != "20" {
		t.Errorf("%v, %v", template, err)
	}
	if _, err := parse([]byte("Parameters: {P: {Type: String, MaxLength: 2, MinLength: 1}, Q: {Type: Number, MaxValue: none}}"),
		map[string]string{"P": "äöü", "Q": "1"}, Settings{}); err == nil ||
		err.Error() != "parameter P is longer than 2 characters: \"äöü\"\nparameter Q is more than none: \"1\"" {
		t.Errorf("%v", err)
	}
}

// variables loads a template with one function and gives its environment.
func variables(t *testing.T, sections, variables string) (map[string]string, error) {
	t.Helper()
	template, err := parse([]byte(sections+`
Resources:
  Table: {Type: "AWS::DynamoDB::Table", Properties: {}}
  Named: {Type: "AWS::DynamoDB::Table", Properties: {TableName: !Sub "${Name}-named"}}
  Queue: {Type: "AWS::SQS::Queue"}
  Secret: {Type: "AWS::SecretsManager::Secret", Properties: {Description: !Nonsense x}}
  NamedSecret: {Type: "AWS::SecretsManager::Secret", Properties: {Name: !Sub "${Name}/named"}}
  Off: {Type: "AWS::Serverless::Function", Condition: Never, Properties: {CodeUri: functions/off/, Handler: !Nonsense x}}
  F:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/f
      Environment:
        Variables:
`+variables), map[string]string{"Name": "n"}, Settings{Region: "r", Account: "1", TablePrefix: "p-"})
	if err != nil {
		return nil, err
	}
	if _, there := template.Function("off"); there {
		t.Error("a resource is there although its condition is false")
	}
	f, _ := template.Function("f")
	return f.Environment, nil
}

const sections = `
Parameters: {Name: {Type: String}, Mode: {Type: String, Default: "on"}}
Globals: {Function: {Environment: {Variables: {G: global, A: global}}}}
Conditions:
  On: !Equals [!Ref Mode, "on"]
  Never: !Not [!Condition On]
  Both: !And [!Condition On, !Or [!Condition Never, !Equals [a, a]]]
`

func TestIntrinsics(t *testing.T) {
	env, err := variables(t, sections, `
          A: !Ref Name
          B: !Ref Table
          C: !Ref Named
          D: !GetAtt Table.Arn
          E: !GetAtt [F, Arn]
          H: !Sub "${Table}/${Queue.Arn}/${AWS::Region}/${!literal}"
          I: !Sub ["${x}-${Name}", {x: !Ref Mode}]
          J: !Join ["-", [a, !Ref Name]]
          K: !If [Both, "yes", "no"]
          L: !If [Never, "yes", !Ref "AWS::NoValue"]
          M: {Ref: Name}
          N: {"Fn::Sub": "${Name}!"}
          O: {"Fn::If": [On, 1, 2]}
          P: true
          Q: 7
          R: !Ref Secret
          S: !GetAtt Secret.Id
          T: !Ref NamedSecret
`)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"G": "global", "A": "n", "B": "p-Table", "C": "p-n-named", "D": "arn:aws:dynamodb:r:1:table/p-Table",
		"E": "arn:aws:lambda:r:1:function:F", "H": "p-Table/arn:aws:sqs:r:1:Queue/Arn/r/${literal}", "I": "on-n", "J": "a-n",
		"K": "yes", "M": "n", "N": "n!", "O": "1", "P": "true", "Q": "7",
		"R": "arn:aws:secretsmanager:r:1:secret:Secret-7e32a7", "S": "arn:aws:secretsmanager:r:1:secret:Secret-7e32a7",
		"T": "arn:aws:secretsmanager:r:1:secret:n/named-32a68b",
	}
	if !maps.Equal(env, want) {
		t.Errorf("%v\nwant %v", env, want)
	}
}

func TestWhatCannotBeResolvedIsNamed(t *testing.T) {
	for variable, want := range map[string]string{
		"A: !Ref Nobody":        `no parameter or resource "Nobody"`,
		"A: !GetAtt Nobody.Arn": `no resource "Nobody"`,
		`A: !Sub "${Nobody}"`:   `no parameter or resource "Nobody"`,
		"A: !If [Nobody, 1, 2]": `no condition "Nobody"`,
		"A: !Cidr [a, b]":       "does not know the function Cidr",
		"A: !Join [a]":          "Join wants",
	} {
		if _, err := variables(t, sections, "          "+variable); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", variable, err, want)
		}
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
        Any: {Type: Api, Properties: {Method: any, Path: "/a/{b}"}}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: s
      MethodSettings:
`+list), nil, Settings{Region: "r", Account: "1"})
	}
	template, err := read(`
        - {ResourcePath: "/*", HttpMethod: "*", ThrottlingBurstLimit: 7}
        - {ResourcePath: "/", HttpMethod: GET, ThrottlingRateLimit: 0.5, ThrottlingBurstLimit: 1}
        - {ResourcePath: "/~1a~1{b}", HttpMethod: get, ThrottlingRateLimit: 9}
`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]apigateway.Throttle{}
	for _, r := range template.API.Routes {
		got[r.Method+" "+r.Path] = *r.Throttle
	}
	if want := map[string]apigateway.Throttle{
		"GET /": {Rate: 0.5, Burst: 1}, "GET /a/{b}": {Rate: 9, Burst: 5000}, "ANY /a/{b}": {Rate: 10000, Burst: 7},
	}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for setting, want := range map[string]string{
		`{ResourcePath: "a", HttpMethod: GET}`:                            "names no method",
		`{ResourcePath: "/"}`:                                             "names no method",
		`{ResourcePath: "/", HttpMethod: GET, ThrottlingRateLimit: fast}`: "is no number",
		`{ResourcePath: "/", HttpMethod: GET, ThrottlingBurstLimit: 1.5}`: "is no whole number",
	} {
		if _, err := read("        - " + setting); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", setting, err, want)
		}
	}
}

func TestRates(t *testing.T) {
	for text, want := range map[string]time.Duration{"1 minute": time.Minute, "5 minutes": 5 * time.Minute, "2 hours": 2 * time.Hour, "1 day": 24 * time.Hour} {
		if got, err := parseRate(text); got != want || err != nil {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0 minutes", "1 week", "minute", "-1 hours"} {
		if _, err := parseRate(text); err == nil {
			t.Errorf("%q was taken", text)
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
		if reserves := f.Folder == "continue-erasure"; reserves != (f.Reserved != nil) || reserves && *f.Reserved != 40 {
			t.Errorf("%s reserves %v", f.Folder, f.Reserved)
		}
	}
}

// What would run otherwise than on AWS is refused.
func TestWhatTheLocalStackCannotDoIsNamed(t *testing.T) {
	for resource, want := range map[string]string{
		`{Type: "AWS::DynamoDB::Table", Properties: {LocalSecondaryIndexes: [{IndexName: i}]}}`:                              "global secondary indexes only",
		`{Type: "AWS::Serverless::Api", Properties: {StageName: s, Auth: {Authorizers: {A: {FunctionArn: !GetAtt R.Arn}}}}}`: "authorizer A: the local stack knows authorizers of the type REQUEST only",
	} {
		_, err := parse([]byte("Resources: {R: "+resource+"}"), nil, Settings{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", resource, err, want)
		}
	}
}
