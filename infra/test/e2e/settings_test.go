package e2e

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// A function whose environment is not complete ends at once with exit code 1 and one line
// that names everything that is missing: Lambda then shows a failed start. The template
// gives it nothing that it could do without.
func TestMissingSettingsAreNamedInOneLine(t *testing.T) {
	lambda := []string{"AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
	for _, f := range running.Template.Functions {
		start := func(environment []string, missing []string) {
			t.Helper()
			cmd := exec.CommandContext(t.Context(),
				filepath.Join(dynamotest.Root(), ".cache", "bin", f.Folder, "bootstrap"))
			cmd.Env = environment
			said, err := cmd.CombinedOutput()
			exit, ended := errors.AsType[*exec.ExitError](err)
			if !ended || exit.ExitCode() != 1 || strings.Count(string(said), "\n") != 1 {
				t.Errorf("%s: %v, %s", f.Folder, err, said)
			}
			for _, name := range missing {
				if !strings.Contains(string(said), `\"`+name+`\"`) {
					t.Errorf("%s does not name %s: %s", f.Folder, name, said)
				}
			}
			if strings.Contains(string(said), digestKey) {
				t.Errorf("%s shows a secret: %s", f.Folder, said)
			}
		}
		var names, complete []string
		for name, value := range f.Environment {
			if !strings.HasPrefix(name, "AWS_ENDPOINT_URL") { // empty is the service's own address
				names = append(names, name)
			}
			complete = append(complete, name+"="+value)
		}
		start([]string{}, names)
		start(complete, lambda)
	}
}

// A lifetime of tokens that no caller could ask for ends the start in the same way.
func TestTokenLifetimeIsBounded(t *testing.T) {
	f, _ := running.Template.Function(operation.IssueToken.Name)
	for _, value := range []string{"0", "-1", "3601", "600000", "10m", "1.5", "1e3", "18446744073709552216", " "} {
		cmd := exec.CommandContext(t.Context(),
			filepath.Join(dynamotest.Root(), ".cache", "bin", f.Folder, "bootstrap"))
		for name, value := range f.Environment {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
		// the last one counts
		cmd.Env = append(cmd.Env, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=AKIAX", "AWS_SECRET_ACCESS_KEY=x",
			"TOKEN_LIFETIME="+value)
		said, err := cmd.CombinedOutput()
		exit, ended := errors.AsType[*exec.ExitError](err)
		if !ended || exit.ExitCode() != 1 || strings.Count(string(said), "\n") != 1 ||
			!strings.Contains(string(said), "TOKEN_LIFETIME must be a whole number of seconds from 1 to 3600") {
			t.Errorf("%q: %v, %s", value, err, said)
		}
	}
}
