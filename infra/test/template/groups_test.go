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

// tagged says which types of resources CloudFormation gives the tags of their stack: all
// that can have any.
var tagged = map[string]bool{
	"AWS::ApiGateway::DomainName": true, "AWS::Budgets::Budget": true, "AWS::CloudWatch::Alarm": true,
	"AWS::DynamoDB::Table": true, "AWS::IAM::Role": true, "AWS::KMS::Key": true, "AWS::Logs::LogGroup": true,
	"AWS::SNS::Topic": true, "AWS::SQS::Queue": true, "AWS::SecretsManager::Secret": true,
	"AWS::Serverless::Api": true, "AWS::Serverless::Function": true,
	"AWS::ApiGateway::Account": false, "AWS::ApiGateway::BasePathMapping": false, "AWS::CloudWatch::Dashboard": false,
	"AWS::IAM::ManagedPolicy": false, "AWS::KMS::Alias": false, "AWS::Logs::QueryDefinition": false, "AWS::SNS::Subscription": false,
	"AWS::SNS::TopicPolicy": false, "AWS::WAFv2::WebACLAssociation": false,
}

// Each table of samconfig.toml gives the stack tags, and docs/rails.md says what can
// have none: a type that is new is looked up first.
func TestStacksHaveTags(t *testing.T) {
	for _, table := range strings.Split(text(t, "samconfig.toml"), "\n[") {
		deploys := strings.Contains(strings.SplitN(table, "\n", 2)[0], ".deploy.parameters]")
		tags := regexp.MustCompile(`(?m)^tags = "application=customercare stage=\w+"$`).MatchString(table)
		if deploys != tags {
			t.Errorf("tags: %t in\n[%s", tags, table)
		}
	}
	for _, r := range read(t, rails) {
		if _, known := tagged[r.Type]; !known {
			t.Errorf("%s is an %s: can it have tags? See docs/rails.md, and add it here", r.ID, r.Type)
		}
		if r.Type == "AWS::Serverless::Function" && r.Properties["Tags"] != nil {
			t.Errorf("%s has tags of its own", r.ID)
		}
	}
}
