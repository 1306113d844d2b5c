package template

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"customercare/infra/testkit/dynamotest"
)

// text is a file at the repository's root.
func text(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dynamotest.Root(), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Every parameter is in one group, and the groups are in the order of the parameters:
// CloudFormation's console asks by groups, SAM in the order of the template. What should
// be left alone comes last.
func TestParametersAreInGroups(t *testing.T) {
	var file struct {
		Metadata struct {
			Interface struct {
				ParameterGroups []struct {
					Label      struct{ Default string } `yaml:"Label"`
					Parameters []string                 `yaml:"Parameters"`
				} `yaml:"ParameterGroups"`
			} `yaml:"AWS::CloudFormation::Interface"`
		} `yaml:"Metadata"`
		Parameters yaml.Node `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(text(t, "template.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	var declared, grouped []string
	for i := 0; i < len(file.Parameters.Content); i += 2 {
		declared = append(declared, file.Parameters.Content[i].Value)
	}
	groups := file.Metadata.Interface.ParameterGroups
	for _, group := range groups {
		grouped = append(grouped, group.Parameters...)
	}
	if len(declared) < 30 || !slices.Equal(declared, grouped) {
		t.Errorf("the template has the parameters\n%v\nthe groups\n%v", declared, grouped)
	}
	if last := groups[len(groups)-1]; last.Label.Default != "Better left as they are" ||
		!slices.Contains(last.Parameters, "ClockSkew") {
		t.Errorf("the last group is %v", last)
	}
}

// untagged says, of each type of resource, as what docs/rails.md names it among those to
// which CloudFormation gives no tags of the stack, by the type's schema (tagging). It is
// empty where there are tags.
var untagged = map[string]string{
	"AWS::ApiGateway::DomainName": "", "AWS::CloudWatch::Alarm": "", "AWS::DynamoDB::Table": "", "AWS::IAM::Role": "",
	"AWS::KMS::Key": "", "AWS::Logs::LogGroup": "", "AWS::SNS::Topic": "", "AWS::SQS::Queue": "",
	"AWS::SecretsManager::Secret": "", "AWS::Serverless::Api": "", "AWS::Serverless::Function": "",
	"AWS::ApiGateway::Account":         "API Gateway's setting for its logs",
	"AWS::ApiGateway::BasePathMapping": "the domain", "AWS::WAFv2::WebACLAssociation": "the web ACL",
	"AWS::Budgets::Budget": "the budget", "AWS::CloudWatch::Dashboard": "the dashboard",
	"AWS::IAM::ManagedPolicy": "of the roles", "AWS::KMS::Alias": "the alias of the key",
	"AWS::Logs::QueryDefinition": "the saved queries", "AWS::SNS::Subscription": "the subscriptions",
	"AWS::SNS::TopicPolicy": "the policies of a topic",
}

// Each table of samconfig.toml gives the stack tags, and docs/rails.md says what gets
// none: a type that is new is looked up first.
func TestStacksHaveTags(t *testing.T) {
	for _, table := range strings.Split(text(t, "samconfig.toml"), "\n[") {
		deploys := strings.Contains(strings.SplitN(table, "\n", 2)[0], ".deploy.parameters]")
		tags := regexp.MustCompile(`(?m)^tags = "application=customercare stage=\w+"$`).MatchString(table)
		if deploys != tags {
			t.Errorf("tags: %t in\n[%s", tags, table)
		}
	}
	_, none, _ := strings.Cut(text(t, "docs/rails.md"), "What gets none: ")
	none, _, _ = strings.Cut(none, "\n\n")
	none = strings.Join(strings.Fields(none), " ")
	for _, r := range read(t, rails) {
		if name, known := untagged[r.Type]; !known || !strings.Contains(none, name) {
			t.Errorf("%s is an %s, %q in docs/rails.md: can it have tags? Look, and say so in both", r.ID, r.Type, name)
		}
		if r.Type == "AWS::Serverless::Function" && r.Properties["Tags"] != nil {
			t.Errorf("%s has tags of its own", r.ID)
		}
	}
}
