package template

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
// stands in the environment. A list of overrides, which it cannot read, it refuses.
func TestDeployBuildsForItsTable(t *testing.T) {
	root := copied(t)
	for _, c := range []struct{ overrides, want string }{
		{`"WorkerConcurrency=0 DigestKeyId=1"`, "arm64"},
		{`"WorkerConcurrency=0 Architecture=x86_64 DigestKeyId=1"`, "x86_64"},
		{`"Architecture=\"x86_64\" DigestKeyId=\"1\""`, "x86_64"}, // as sam deploy --guided writes it
		{`"Architecture=arm64"`, "arm64"},
		{`["Architecture=x86_64"]`, ""},
		{"[\n  \"Architecture=x86_64\",\n]", ""},
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
		if c.want == "" {
			if err == nil || !strings.HasPrefix(printed, "samconfig.toml: parameter_overrides of here must be one text") {
				t.Errorf("with %s: %v\n%s", c.overrides, err, printed)
			}
			continue
		}
		if err != nil || !strings.HasPrefix(printed, "build for "+c.want+"\ndeploy") {
			t.Errorf("with %s: %v\n%s", c.overrides, err, printed)
		}
	}
}

// `make invoke` builds a function for this machine, gives it its event, and fails where
// SAM does not: when there is no answer, or the function's error in its place.
func TestInvoke(t *testing.T) {
	const sam = `echo "sam $* ARCHITECTURE=$ARCHITECTURE" >&2
case "$1 $2" in
"build CleanupFunction") test -n "$NOT_BUILT" && exit 1; exit 0;;
"local invoke") printf %s "$ANSWER"; exit ${CODE:-0};;
esac
exit 9`
	for _, c := range []struct {
		sets string // in the environment of SAM
		args []string
		code int
		says string // behind what is said of the call
	}{
		{`ANSWER=null`, []string{"F=Cleanup"}, 0, "null\n"},
		{`ANSWER={"body":"one\ntwo"}`, []string{"F=Cleanup"}, 0, `{"body":"one\ntwo"}` + "\n"},
		{`ANSWER=`, []string{"F=Cleanup"}, 2, "\nCleanupFunction gave no answer\n"},
		{`ANSWER={"errorMessage":"x","errorType":"y"}`, []string{"F=Cleanup"}, 2,
			`{"errorMessage":"x","errorType":"y"}` + "\nCleanupFunction failed\n"},
		{`CODE=1`, []string{"F=Cleanup"}, 2, ""},
		{`NOT_BUILT=1`, []string{"F=Cleanup"}, 2, "sam build CleanupFunction"},
		{`ANSWER=null`, []string{"F=CleanupFunction"}, 2, "usage: make invoke F=Cleanup"},
		{`ANSWER=null`, nil, 2, "usage: make invoke F=Cleanup"},
	} {
		name, value, _ := strings.Cut(c.sets, "=")
		t.Setenv(name, value)
		said, err := withSAM(t, dynamotest.Root(), sam, append(c.args, "ARCHITECTURE=arm64", "GATEWAY=192.0.2.1", "invoke")...)
		os.Unsetenv(name)
		code := 0
		if failed, ok := errors.AsType[*exec.ExitError](err); ok {
			code = failed.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != c.code || !strings.Contains(said, c.says) {
			t.Errorf("%s: exit code %d, want %d; it says %s", c.sets, code, c.code, said)
		}
		const call = "sam local invoke CleanupFunction --template .cache/invoke/Cleanup/template.yaml " +
			"--parameter-overrides Architecture=arm64 --region us-east-1 --event infra/events/cleanup.json " +
			"--env-vars infra/local/env.json --add-host host.docker.internal:192.0.2.1 ARCHITECTURE=arm64\n"
		if c.code == 0 && !strings.Contains(said, call) {
			t.Errorf("it calls %s\nwant %s", said, call)
		}
	}
	said, err := withSAM(t, dynamotest.Root(), sam, "F=Cleanup", "EVENT=infra/events/other.json", "invoke")
	here := map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH]
	if err == nil || !strings.Contains(said, "--event infra/events/other.json") || !strings.Contains(said, "ARCHITECTURE="+here+"\n") {
		t.Errorf("for this machine, with another event: %v, %s", err, said)
	}
}
