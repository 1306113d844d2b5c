package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// Of the template only that is left out which ministack does not know, and it is named.
func TestSimplify(t *testing.T) {
	const text = `Resources:
  Calculated:
    Type: AWS::CloudWatch::Alarm
    Properties: {Metrics: [{Id: a, Expression: b + c}]}
  Query:
    Type: AWS::Logs::QueryDefinition
    Properties: {Name: saved}
  Simple:
    Type: AWS::CloudWatch::Alarm
    Properties: {MetricName: !Ref Name}
  Api:
    Type: AWS::Serverless::Api
    Properties:
      Auth:
        Authorizers:
          Operator: {Identity: {Headers: [Authorization], Context: [identity.sourceIp]}}
          App: {Identity: {ReauthorizeEvery: 0}}
`
	got, left, err := simplify([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"Calculated", "Query", "Api's Context of Operator"}; !slices.Equal(left, want) {
		t.Errorf("left out: %q, want %q", left, want)
	}
	for part, kept := range map[string]bool{"Calculated": false, "saved": false, "sourceIp": false, "MetricName: !Ref Name": true,
		"Headers: [Authorization]": true, "ReauthorizeEvery: 0": true} {
		if strings.Contains(string(got), part) != kept {
			t.Errorf("kept %q: %t, want %t in\n%s", part, !kept, kept, got)
		}
	}
	for _, none := range []string{"", "Outputs: {}", "["} {
		if _, _, err := simplify([]byte(none)); err == nil {
			t.Errorf("%q is taken for a template", none)
		}
	}
}

// What is left of our own template is still one, with all its functions and tables.
func TestSimplifyOurs(t *testing.T) {
	file := filepath.Join(dynamotest.Root(), "template.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	simple, left, err := simplify(text)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(copied, simple, 0o600); err != nil {
		t.Fatal(err)
	}
	ids := func(name string) (all []string) {
		resources, err := template.Resources(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range resources {
			all = append(all, r.ID)
		}
		slices.Sort(all)
		return all
	}
	want := slices.DeleteFunc(ids(file), func(id string) bool { return slices.Contains(left, id) })
	if got := ids(copied); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
	if !slices.Contains(left, "OldestErasureAlarm") || !slices.Contains(left, "RequestQuery") || !slices.Contains(left, "Api's Context of Operator") {
		t.Errorf("left out: %q", left)
	}
}

// A refusal in ministack's words is its own; everything else that fails is ours.
func TestJudge(t *testing.T) {
	its := []string{
		`FAIL    0.002s  operations 1 and 2 refuse a wrong password: DELETE: got 401 application/json "{\"message\":\"Unauthorized\"}", want the fields`,
		`FAIL    0.052s  cleaning is refused: no token: got 403 application/json "{\"Message\":\"User is not authorized to access this resource\"}", want 401`,
		`FAIL    0.001s  a path that nobody offers is a 404: got 403 application/json "{\"message\":\"Missing Authentication Token\"}", want 404`,
		`FAIL    0.004s  a method that is not offered is a 405: PATCH: got 403 application/json "{\"message\":\"Missing Authentication Token\"}", want 405`,
		`FAIL    0.001s  a customer ID of any characters is found: DELETE: got 403 application/json "{\"message\":\"Missing Authentication Token\"}", want 200`,
		`FAIL    0.062s  everybody else's data is untouched: Users customerId=smoke-1-user/50% #1?&=+: the user's activity is not on record`,
	}
	ours := []string{
		`FAIL    0.001s  a temporary allow is set, in JSON: got 401 application/json "{\"message\":\"Unauthorized\"}", want 200`,
		`FAIL    0.052s  cleaning is refused: no token: got 200 application/json "{\"retCode\":\"0\"}", want 401`,
		`FAIL    0.052s  cleaning is refused: no token: got 403 application/json "{\"retCode\":\"403\"}", want 401`,
		`FAIL    0.010s  everybody else's data is untouched: Users: item 1 of 1 is not as it should be`,
		`Users customerId=smoke-1-user: item 1 of 1 is not as it should be in devices`,
	}
	all := strings.Join(slices.Concat(its, []string{"ok      0.1s  a customer is deleted"}, ours), "\n")
	got, n := judge("run smoke-1 at http://127.0.0.1:1\n" + all + "\n60 checks in 117.0s: 49 passed, 11 failed, 0 not made\n")
	if n != len(its) || !slices.Equal(got, ours) {
		t.Errorf("%d are its own, want %d; ours: %q", n, len(its), got)
	}
	if got, n := judge(its[len(its)-1]); n != 0 || len(got) != 1 {
		t.Errorf("data that nobody was to change is excused: %d, %q", n, got)
	}
}

// Nothing that leads to AWS is left to a program that is started later.
func TestOnlyTheEmulatorIsAsked(t *testing.T) {
	t.Setenv("AWS_PROFILE", "production")
	t.Setenv("AWS_SESSION_TOKEN", "a token")
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", "https://dynamodb.us-east-1.amazonaws.com")
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION",
		"AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "SAM_CLI_TELEMETRY"} {
		t.Setenv(name, "as it was")
	}
	if err := onlyAsk("http://127.0.0.1:1"); err != nil {
		t.Fatal(err)
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "AWS_") && (strings.Contains(variable, "as it was") || strings.Contains(variable, "amazonaws") ||
			strings.Contains(variable, "production") || strings.Contains(variable, "a token")) {
			t.Errorf("left: %s", variable)
		}
	}
	if at := os.Getenv("AWS_ENDPOINT_URL"); at != "http://127.0.0.1:1" {
		t.Errorf("asked is %s", at)
	}
}
