package template

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// All functions run on what the parameter Architecture says, and the Makefile builds for
// both.
func TestArchitecture(t *testing.T) {
	for name, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64} {
		list, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"),
			map[string]string{"Architecture": name})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if on := fmt.Sprint(r.Properties["Architectures"]); r.Type == "AWS::Serverless::Function" && on != "["+name+"]" {
				t.Errorf("with %s %s runs on %s", name, r.ID, on)
			}
		}
		out := t.TempDir()
		run(t, dynamotest.Root(), "build-CleanupFunction", "ARCHITECTURE="+name, "ARTIFACTS_DIR="+out)
		binary, err := elf.Open(filepath.Join(out, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if binary.Machine != machine {
			t.Errorf("for %s it is built for %s", name, binary.Machine)
		}
		binary.Close()
	}
	said, err := exec.CommandContext(t.Context(), "make", "-C", dynamotest.Root(), "build-CleanupFunction",
		"ARCHITECTURE=mips", "ARTIFACTS_DIR="+t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(said), "ARCHITECTURE must be arm64 or x86_64, not mips") {
		t.Errorf("another one: %v, %s", err, said)
	}
}

// withSAM runs make with a program in place of SAM, which this machine need not have. It
// does what the shell script says, and gives what was printed.
func withSAM(t *testing.T, root, script string, args ...string) (printed string, err error) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sam"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-s", "-C", root}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// `make deploy` builds for the architecture of the table that is deployed, whatever else
// stands in the environment.
func TestDeployBuildsForItsTable(t *testing.T) {
	root := copied(t)
	for _, c := range []struct{ overrides, want string }{
		{`"WorkerConcurrency=0 DigestKeyId=1"`, "arm64"},
		{`"WorkerConcurrency=0 Architecture=x86_64 DigestKeyId=1"`, "x86_64"},
		{`"Architecture=\"x86_64\" DigestKeyId=\"1\""`, "x86_64"}, // as sam deploy --guided writes it
		{`"Architecture=arm64"`, "arm64"},
	} {
		config := "[other.deploy.parameters]\nparameter_overrides = \"Architecture=mips\"\n" +
			"[here.build.parameters]\ncached = false\n" +
			"[here.deploy.parameters]\nresolve_s3 = true\n# Architecture=mips\nparameter_overrides = " + c.overrides + "\n" +
			"[hereafter.deploy.parameters]\nparameter_overrides = \"Architecture=mips\"\n"
		if err := os.WriteFile(filepath.Join(root, "samconfig.toml"), []byte(config), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Setenv("ARCHITECTURE", "mips")
		printed, err := withSAM(t, root, `echo "$1 for $ARCHITECTURE"`, "deploy", "CONFIG=here")
		if err != nil || !strings.HasPrefix(printed, "build for "+c.want+"\ndeploy") {
			t.Errorf("with %s: %v\n%s", c.overrides, err, printed)
		}
	}
}
