package template

import (
	"path/filepath"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// rails are the parameters that are empty or off by default, with a value for each.
var rails = map[string]string{
	"AlarmEmail":                "who@example.com",
	"TicketEmail":               "tickets@example.com",
	"QuietAlarmMinutes":         "30",
	"MonthlyBudget":             "500",
	"LoyaltyUpstreamUrl":        "https://loyalty.example.com",
	"WebAclArn":                 "arn:aws:wafv2:us-east-1:123456789012:regional/webacl/front/0d1e2f30-1111-2222-3333-444455556666",
	"DomainName":                "care.example.com",
	"CertificateArn":            "arn:aws:acm:us-east-1:123456789012:certificate/0d1e2f30-1111-2222-3333-444455556666",
	"DisableExecuteApiEndpoint": "true",
	"KmsKeyArn":                 "arn:aws:kms:us-east-1:123456789012:key/0d1e2f30-1111-2222-3333-444455556666",
	"PermissionsBoundaryArn":    "arn:aws:iam::123456789012:policy/boundary",
	"GradualDeployment":         "Canary10Percent10Minutes",
}

// off are the values that mean that nobody has set a parameter.
var off = map[string]bool{"": true, "0": true, "false": true, "AllAtOnce": true}

// read resolves the template, with its outputs: a reference to a resource that is not
// there is an error.
func read(t *testing.T, parameters map[string]string) []template.Resource {
	t.Helper()
	file := filepath.Join(dynamotest.Root(), "template.yaml")
	list, err := template.Resources(file, parameters)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := template.Outputs(file, parameters); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{"": true}
	for _, r := range list {
		there[r.ID] = true
	}
	for _, r := range list {
		if !there[r.DependsOn] {
			t.Errorf("%s waits for %s, which is not there with %v", r.ID, r.DependsOn, parameters)
		}
	}
	return list
}

// Every parameter that is empty by default is one of the rails, so that the tests below
// see the template without and with each.
func TestRailsAreOffByDefault(t *testing.T) {
	deployed, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range deployed.Parameters {
		if _, is := rails[name]; is != off[value] {
			t.Errorf("%s is %q by default, and has a value in the tests: %t", name, value, is)
		}
	}
	for name := range rails {
		if _, is := deployed.Parameters[name]; !is {
			t.Errorf("the template has no parameter %s", name)
		}
		alone := map[string]string{name: rails[name]}
		if name == "DomainName" {
			alone["CertificateArn"] = rails["CertificateArn"]
		}
		read(t, alone)
	}
}

// The template is whole with every parameter empty and with every one set, and its local
// stack is the same one.
func TestRailsDoNotChangeTheLocalStack(t *testing.T) {
	file := filepath.Join(dynamotest.Root(), "template.yaml")
	without, err := template.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	with, err := template.Load(file, rails)
	if err != nil {
		t.Fatal(err)
	}
	if len(with.Functions) != len(without.Functions) || len(with.Tables) != len(without.Tables) ||
		len(with.API.Routes) != len(without.API.Routes) || len(with.Keys) != len(without.Keys) ||
		len(with.Secrets) != len(without.Secrets) || len(with.Schedules) != len(without.Schedules) {
		t.Errorf("%d functions, %d tables, %d routes with all parameters", len(with.Functions), len(with.Tables),
			len(with.API.Routes))
	}
}

// Each role of the stack has the boundary, or none has.
func TestEveryRoleHasTheBoundary(t *testing.T) {
	for _, parameters := range []map[string]string{nil, rails} {
		roles := 0
		for _, r := range read(t, parameters) {
			if r.Type != "AWS::IAM::Role" {
				continue
			}
			roles++
			var want any
			if parameters != nil {
				want = rails["PermissionsBoundaryArn"]
			}
			if got := r.Properties["PermissionsBoundary"]; got != want {
				t.Errorf("%s has the boundary %v, want %v", r.ID, got, want)
			}
		}
		want := len(functions(t)) + 1 // and API Gateway's
		if parameters != nil {
			want++ // and CodeDeploy's
		}
		if roles != want {
			t.Errorf("%d roles, want %d", roles, want)
		}
	}
}

// What CloudFormation or a service would refuse only in the middle of a deployment is
// refused before it.
func TestRailsAreChecked(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"PermissionsBoundaryArn", "boundary"}, {"PermissionsBoundaryArn", "arn:aws:iam::123456789012:role/boundary"},
		{"KmsKeyArn", "alias/company"}, {"KmsKeyArn", "arn:aws:kms:us-east-1:123456789012:alias/company"}, // logs take no alias
		{"WebAclArn", "arn:aws:wafv2:us-east-1:123456789012:global/webacl/front/0d1e2f30"}, // of CloudFront
		{"DomainName", "https://care.example.com"}, {"DomainName", "Care.example.com"}, {"DomainName", "care"},
		{"DomainName", "care.example.com"}, // without its certificate
		{"CertificateArn", "arn:aws:iam::123456789012:server-certificate/care"},
		{"GradualDeployment", ""}, {"GradualDeployment", "Linear10PercentEvery10Minutes"}, // longer than the pipeline waits
		{"GradualDeployment", "Canary10Percent5Minutes"}, // over before an alarm sounds
		{"DisableExecuteApiEndpoint", "yes"}, {"TicketEmail", "nobody"}, {"QuietAlarmMinutes", "1441"}, {"MonthlyBudget", "-1"},
	} {
		_, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), map[string]string{c.name: c.value})
		if err == nil {
			t.Errorf("%s may be %s", c.name, c.value)
		}
	}
}
