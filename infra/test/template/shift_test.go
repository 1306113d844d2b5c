package template

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// shifted are the functions of the five documented operations with these parameters, by
// their folder: those that are called by an alias.
func shifted(t *testing.T, parameters map[string]string) map[string]template.Resource {
	t.Helper()
	found := map[string]template.Resource{}
	for _, r := range read(t, parameters) {
		if r.Type == "AWS::Serverless::Function" && slices.Contains(documented(), folder(r)) {
			found[folder(r)] = r
		}
	}
	if len(found) != len(documented()) {
		t.Fatalf("%d of the five functions", len(found))
	}
	return found
}

// documented are the folders of the five operations.
func documented() (names []string) {
	for _, o := range operation.All {
		names = append(names, o.Name)
	}
	return names
}

// The five functions have an alias, with CodeDeploy and without: so to switch it on or
// off changes no route. SAM leads routes and rights to the alias (TestWhatSAMMakes). Each
// is stopped by its own alarm and the API's. No other function has one: a stream and a
// schedule call what was deployed last.
func TestFiveFunctionsShift(t *testing.T) {
	for _, parameters := range []map[string]string{nil, rails} {
		for _, r := range read(t, parameters) {
			if r.Type != "AWS::Serverless::Function" || slices.Contains(documented(), folder(r)) {
				continue
			}
			for _, property := range []string{"AutoPublishAlias", "DeploymentPreference", "VersionDescription"} {
				if r.Properties[property] != nil {
					t.Errorf("%s has %s", r.ID, property)
				}
			}
		}
		for _, f := range shifted(t, parameters) {
			want := map[string]any{"Enabled": false, "Type": "AllAtOnce",
				"Alarms": []any{strings.TrimSuffix(f.ID, "Function") + "Errors", "ServerErrors"}}
			if parameters != nil {
				want["Enabled"], want["Type"] = true, rails["GradualDeployment"]
				want["Role"] = "arn:aws:iam:us-east-1:123456789012:CodeDeployRole/Arn"
			}
			if got := f.Properties["DeploymentPreference"]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s shifts so: %v\nwant %v", f.ID, got, want)
			}
			if f.Properties["AutoPublishAlias"] != "live" || f.Properties["AutoPublishAliasAllProperties"] != true {
				t.Errorf("%s: alias %v, made anew by all properties: %v", f.ID, f.Properties["AutoPublishAlias"],
					f.Properties["AutoPublishAliasAllProperties"])
			}
		}
	}
	all := resources(t)
	for _, f := range shifted(t, rails) {
		alarms, _ := at(f.Properties, "DeploymentPreference", "Alarms").([]any)
		for _, alarm := range alarms {
			if all[fmt.Sprint(alarm)].Type != "AWS::CloudWatch::Alarm" {
				t.Errorf("%s waits for %v, which is no alarm", f.ID, alarm)
			}
		}
	}
}

// Each kind of shift that can be chosen is one of CodeDeploy's, and the mapping says
// whether there is one.
func TestKindsOfShift(t *testing.T) {
	kinds := 0
	for line := range strings.Lines(text(t, "template.yaml")) {
		kind, _, is := strings.Cut(strings.TrimSpace(line), ": {Shifts: ")
		if !is {
			continue
		}
		kinds++
		for _, f := range shifted(t, map[string]string{"GradualDeployment": kind}) {
			if at(f.Properties, "DeploymentPreference", "Enabled") != (kind != "AllAtOnce") {
				t.Errorf("%s with %s: %v", f.ID, kind, f.Properties["DeploymentPreference"])
			}
		}
	}
	if kinds != 6 {
		t.Errorf("%d kinds in the mapping, want the 6 that are allowed", kinds)
	}
}

// CodeDeploy may lead the five aliases, and nothing else.
func TestCodeDeployRole(t *testing.T) {
	var arns []any
	for _, name := range documented() {
		arn := "arn:aws:lambda:us-east-1:123456789012:function:" + shifted(t, rails)[name].ID
		arns = append(arns, arn, arn+":*")
	}
	want := []any{
		map[string]any{"Effect": "Allow", "Resource": arns,
			"Action": []any{"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}},
		map[string]any{"Effect": "Allow", "Action": "cloudwatch:DescribeAlarms", "Resource": "*"},
	}
	for _, parameters := range []map[string]string{nil, rails} {
		there := false
		for _, r := range read(t, parameters) {
			if r.ID != "CodeDeployRole" {
				continue
			}
			there = true
			if got := at(r.Properties, "Policies", 0, "PolicyDocument", "Statement"); !reflect.DeepEqual(got, want) ||
				at(r.Properties, "AssumeRolePolicyDocument", "Statement", 0, "Principal", "Service") != "codedeploy.amazonaws.com" {
				t.Errorf("%v\nwant %v", r.Properties, want)
			}
		}
		if there != (parameters != nil) {
			t.Errorf("with %v the role is there: %t", parameters, there)
		}
	}
}

// others are values that parameters do not have in rails or by default. Architecture is
// not among them: with it the code changes, too.
var others = map[string]string{
	"PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/other", "WorkerConcurrency": "41", "LogRetentionDays": "60",
	"CertificateArn":     "arn:aws:acm:us-east-1:123456789012:certificate/ffffffff-1111-2222-3333-444455556666", // DomainName wants one
	"KmsKeyArn":          "arn:aws:kms:us-east-1:123456789012:key/ffffffff-1111-2222-3333-444455556666",
	"AuditRetentionDays": "60", "BackupDays": "36", "ProvisionRate": "101", "DeleteRate": "51", "CleanRate": "21",
	"TokenRate": "21", "ReadRate": "21", "ThrottleBurst": "101", "TempAllowTypes": "1=3h", "TempAllowMaxAhead": "1h",
	"TokenLifetime": "601", "LoyaltyUpstreamUrl": "https://other.example.com", "WriterLifetime": "6m", "RetentionEvery": "23h",
	"DigestKeyId": "2", "DrainBudget": "4s", "WorkerTimeout": "121", "WorkerLease": "31s", "BatchCalls": "9",
	"GuessLimit": "11", "GuessWindow": "6m", "AllowSweepMinutes": "1439", "ClockSkew": "2m", "StageName": "v2",
	"LatencyAlarmMilliseconds": "5001", "OldestErasureAlarmSeconds": "901", "SetsApiGatewayLogRole": "false",
}

// A version keeps the variables that it was made with. So a parameter that changes what a
// function is changes the description of its version, too, which makes CloudFormation
// make a new one; and one that does not, does not: Lambda makes no version twice.
func TestParametersMakeNewVersions(t *testing.T) {
	before, seen := shifted(t, rails), 0
	deployed, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, parameter := range slices.Sorted(maps.Keys(deployed.Parameters)) {
		if parameter == "Architecture" {
			continue
		}
		changed := maps.Clone(rails)
		if changed[parameter] = others[parameter]; others[parameter] == "" {
			delete(changed, parameter) // a rail: without it
			if rails[parameter] == "" {
				t.Errorf("there is no other value for %s", parameter)
			}
		}
		for name, f := range shifted(t, changed) {
			is := func(of template.Resource) map[string]any {
				p := maps.Clone(of.Properties)
				delete(p, "VersionDescription")
				delete(p, "DeploymentPreference")
				return p
			}
			other := !reflect.DeepEqual(is(f), is(before[name]))
			if made := f.Properties["VersionDescription"] != before[name].Properties["VersionDescription"]; made != other {
				t.Errorf("%s: another %s changes the function: %t, and makes a version: %t", f.ID, parameter, other, made)
			} else if made {
				seen++
			}
		}
	}
	if seen < 20 {
		t.Errorf("%d changes only", seen)
	}
}

// Lambda takes 256 characters, also with the longest values.
func TestVersionDescriptionsFit(t *testing.T) {
	types := "1=2h" + strings.Repeat(",222222222=once/11h", 16)
	for _, f := range shifted(t, map[string]string{
		"GuessLimit": "100", "GuessWindow": "999m", "DigestKeyId": strings.Repeat("k", 16), "DrainBudget": "20000ms",
		"WriterLifetime": "999999ms", "ClockSkew": "999999ms", "BackupDays": "3650", "BatchCalls": "64", "TokenLifetime": "3600",
		"TempAllowTypes": types[:strings.LastIndex(types[:192], ",")], "TempAllowMaxAhead": "999999h", "KmsKeyArn": rails["KmsKeyArn"],
		"LoyaltyUpstreamUrl": "https://a.example.com/" + strings.Repeat("p", 150-len("https://a.example.com/")),
	}) {
		if said := fmt.Sprint(f.Properties["VersionDescription"]); len(said) > 256 ||
			!strings.HasSuffix(said, " 0d1e2f30-1111-2222-3333-444455556666") {
			t.Errorf("%s: %d characters: %s", f.ID, len(said), said)
		}
	}
}

// In the table for a first try nothing shifts.
func TestNothingShiftsUnasked(t *testing.T) {
	_, table, found := strings.Cut(text(t, "samconfig.toml"), "[default.deploy.parameters]\n")
	if table, _, _ = strings.Cut(table, "\n["); !found || strings.Contains(table, "GradualDeployment") {
		t.Errorf("[default] sets GradualDeployment: %s", table)
	}
}
