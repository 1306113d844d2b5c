package template

import (
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
)

// `sam local` resolves the template's variables by itself: parameters to their defaults,
// tables and the secret to their logical ids, which are their names in "make run". It can
// set only variables that the template has. So infra/local/env.json gives every function
// the addresses of "make run" as a container sees them (with --add-host
// host.docker.internal:host-gateway; --docker-network host does nothing, aws/aws-sam-cli
// issue 4236), which are empty in the template, key and name of the log in "make run",
// because to SAM every ARN is a function's and every stack is called local, and nothing
// else.
func TestSAMLocalEnvironment(t *testing.T) {
	addresses := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB":        "http://host.docker.internal:8000",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://host.docker.internal:3001",
		"AWS_ENDPOINT_URL_KMS":             "http://host.docker.internal:3002",
	}
	raw, err := os.ReadFile("../env.json")
	if err != nil {
		t.Fatal(err)
	}
	var given map[string]map[string]string
	if err := json.Unmarshal(raw, &given); err != nil {
		t.Fatal(err)
	}
	template, err := Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range template.Functions {
		want := map[string]string{}
		for name, value := range f.Environment {
			if value == "" && name != "AWS_ENDPOINT_URL" { // which only other people's stacks need
				want[name] = addresses[name]
			}
			if strings.HasPrefix(value, "arn:aws:kms:") || name == "LOG_ORIGIN" {
				want[name] = value
			}
		}
		if !maps.Equal(given[f.Name], want) {
			t.Errorf("%s has %v, want %v", f.Name, given[f.Name], want)
		}
		delete(given, f.Name)
	}
	for name := range given {
		t.Errorf("the template has no function %s", name)
	}
}
