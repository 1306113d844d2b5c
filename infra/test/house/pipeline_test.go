package house

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what TestWorkflow reads of docs/pipeline.yaml.
type workflow struct {
	Jobs map[string]struct {
		Needs       string
		Environment string
		Steps       []struct{ Uses, Run string }
	}
}

// readWorkflow gives the workflow, and the commands of all its steps.
func readWorkflow(t *testing.T) (w workflow, commands string) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(source(t, "docs/pipeline.yaml")), &w); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"build", "stage", "changes", "promote"} {
		job, there := w.Jobs[name]
		if !there {
			t.Fatalf("docs/pipeline.yaml has no job %s", name)
		}
		for _, step := range job.Steps {
			commands += step.Run + "\n"
		}
	}
	return w, commands
}

// TestWorkflow holds docs/pipeline.yaml to docs/pipeline.md: the jobs follow each other,
// production waits for its people, one job builds, and every command of the document that
// is about SAM or CloudFormation is in the workflow, but for blanks.
func TestWorkflow(t *testing.T) {
	w, commands := readWorkflow(t)
	for name, needs := range map[string]string{"build": "", "stage": "build", "changes": "stage", "promote": "changes"} {
		if w.Jobs[name].Needs != needs {
			t.Errorf("the job %s needs %q, want %q", name, w.Jobs[name].Needs, needs)
		}
	}
	if w.Jobs["promote"].Environment != "production" {
		t.Error("nobody is asked before production")
	}
	if n := len(regexp.MustCompile(`(?m)^make |\bsam build\b`).FindAllString(commands, -1)); n != 1 {
		t.Errorf("it is built %d times", n)
	}
	plain := func(text string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(text, "\\\n", " ")), " ")
	}
	document := named(t, "docs/pipeline.md")
	compared := 0
	for _, block := range document.blocks {
		for _, command := range strings.Split(strings.ReplaceAll(strings.ReplaceAll(block, "\\\n", " "), "|\n", "| "), "\n") {
			if regexp.MustCompile(`^(?:sam|aws|CHANGES=|\./customercare)`).MatchString(command) {
				compared++
				if !strings.Contains(plain(commands), plain(command)) {
					t.Errorf("docs/pipeline.yaml lacks %s", command)
				}
			}
		}
	}
	if compared < 8 {
		t.Errorf("%d commands only", compared)
	}
}

// TestNoTableIsReplaced runs the step that looks at a change set on changes as AWS prints
// them: it stops before a table, a secret or a key is lost, and before nothing else.
func TestNoTableIsReplaced(t *testing.T) {
	_, commands := readWorkflow(t)
	program := regexp.MustCompile(`awk '([^']*)'`).FindStringSubmatch(commands)
	if program == nil {
		t.Fatal("docs/pipeline.yaml looks at no change set")
	}
	harmless := []string{
		"Modify\tFalse\tAWS::Lambda::Function", "Modify\tFalse\tAWS::DynamoDB::Table", "Add\tNone\tAWS::DynamoDB::Table",
		"Remove\tNone\tAWS::CloudWatch::Alarm", "Modify\tTrue\tAWS::ApiGateway::Deployment",
	}
	for change, stops := range map[string]bool{
		"": false, "Remove\tNone\tAWS::DynamoDB::Table": true, "Modify\tTrue\tAWS::DynamoDB::Table": true,
		"Modify\tConditional\tAWS::KMS::Key": true, "Remove\tNone\tAWS::SecretsManager::Secret": true,
	} {
		awk := exec.Command("awk", program[1])
		awk.Stdin = strings.NewReader(strings.Join(slices.Concat(harmless, []string{change}, harmless), "\n"))
		out, err := awk.Output()
		if (err != nil) != stops || stops != (strings.TrimSpace(string(out)) == change && change != "") {
			t.Errorf("%q: %v, it prints %q", change, err, out)
		}
	}
}
