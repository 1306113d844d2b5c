package house

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// workflow is what the tests read of docs/pipeline.yaml.
type workflow struct {
	Jobs map[string]struct {
		Needs       string
		Environment string
		Steps       []struct{ ID, Uses, Run string }
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
			if regexp.MustCompile(`^(?:sam|aws|awk|CHANGES=|\./customercare)`).MatchString(command) {
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

// TestChangesAreLookedAt runs the step that makes a change set and looks at it, with
// programs in place of SAM and the AWS CLI. It hands on the change set that this SAM has
// made; none when nothing changes; and stops before a table, a secret or a key is lost,
// and when SAM or AWS fails.
func TestChangesAreLookedAt(t *testing.T) {
	w, _ := readWorkflow(t)
	var step string
	for _, s := range w.Jobs["changes"].Steps {
		if s.ID == "changes" {
			step = s.Run
		}
	}
	const id = "arn:aws:cloudformation:r:1:changeSet/samcli-deploy1/2"
	made, nothing := "printf '\\nChangeset created successfully. "+id+"\\n\\n'", "echo 'No changes to deploy. Stack x is up to date'"
	harmless := "Modify\tFalse\tAWS::DynamoDB::Table\tUsers\nAdd\tNone\tAWS::DynamoDB::Table\tMore\n" +
		"Remove\tNone\tAWS::CloudWatch::Alarm\tOld\nModify\tTrue\tAWS::ApiGateway::Deployment\tD\n"
	for _, c := range []struct {
		what, sam, changes string
		id                 string // empty: nothing is handed on
		fails              bool
	}{
		{"harmless changes", made, harmless, id, false},
		{"the alarms' key for the account's", made, harmless + "Remove\tNone\tAWS::KMS::Key\tAlarmsKey\n", id, false},
		{"nothing", nothing, "", "", false},
		{"SAM fails", "exit 1", harmless, "", true},
		{"SAM says neither", "true", harmless, "", true},
		{"AWS fails", made, "", "", true},
		{"a table goes", made, harmless + "Remove\tNone\tAWS::DynamoDB::Table\tUsers\n" + harmless, "", true},
		{"a table is replaced", made, "Modify\tTrue\tAWS::DynamoDB::Table\tUsers\n" + harmless, "", true},
		{"a key may be replaced", made, "Modify\tConditional\tAWS::KMS::Key\tLedgerKey\n", "", true},
		{"a secret goes", made, harmless + "Remove\tNone\tAWS::SecretsManager::Secret\tDigestKeys\n", "", true},
	} {
		folder := t.TempDir()
		aws := `test "$4" = ` + id + ` && test -s changes.aws && cat changes.aws`
		for name, text := range map[string]string{"sam": "#!/bin/sh\n" + c.sam, "aws": "#!/bin/sh\n" + aws, "changes.aws": c.changes} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		sh := exec.CommandContext(t.Context(), "sh", "-e", "-c", step)
		sh.Dir, sh.Env = folder, append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "GITHUB_OUTPUT=output")
		said, err := sh.CombinedOutput()
		output, _ := os.ReadFile(filepath.Join(folder, "output"))
		want := ""
		if c.id != "" {
			want = "id=" + c.id + "\n"
		}
		if (err != nil) != c.fails || string(output) != want {
			t.Errorf("%s: %v, it hands on %q, want %q; it says\n%s", c.what, err, output, want, said)
		}
	}
}
