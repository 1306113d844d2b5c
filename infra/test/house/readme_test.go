package house

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/local"
	"customercare/infra/testkit/freeport"
	"customercare/shared/operation"
)

// aCommand is how a part of the README's code begins that a reader pastes.
var aCommand = regexp.MustCompile(`^(?:[A-Z]+=|curl|until|sed|node|bin/)`)

// answers says whether an answer is the one that the README shows. There "..." stands for
// what differs between two runs, or is too long to be shown.
func answers(got, shown string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shown), `\.\.\.`, `(?s:.+)`)
	return regexp.MustCompile(`^` + pattern + `$`).MatchString(got)
}

// TestReadmesCommandsWork pastes the README's commands into one shell, one after the
// other, against a stack as "make run" starts it, and compares each answer with the one
// that stands below it.
func TestReadmesCommandsWork(t *testing.T) {
	for _, program := range []string{"sh", "curl", "sed", "node"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the README's commands need ", program, ", which is not here")
		}
	}
	ports := freeport.Take(t, 4)
	stdout, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- local.Run(t.Context(), map[string]string{
			"PORT": ports[0], "SECRETS_PORT": ports[1], "KMS_PORT": ports[3], "DYNAMODB_PORT": ports[2],
			"PARAMETERS": "WriterLifetime=2s ClockSkew=0s", // as the README says
		}, written, os.Stderr)
		written.Close()
	}()
	t.Cleanup(func() { <-ended }) // the test's context has ended by now
	ready, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("the stack does not start: ", err)
	}
	paste := shell(t)
	address := strings.Fields(ready)[1]
	called := 0
	for _, block := range named(t, "README.md").blocks {
		parts := strings.Split(strings.TrimSpace(block), "\n\n")
		for i, part := range parts {
			if !aCommand.MatchString(part) {
				continue
			}
			if strings.Contains(part, "curl ") {
				called++
			}
			var want string
			if i+1 < len(parts) && !aCommand.MatchString(parts[i+1]) {
				want = strings.TrimSpace(parts[i+1])
			}
			got, err := paste(strings.ReplaceAll(part, "http://127.0.0.1:3000", address))
			if err != nil {
				t.Fatalf("%s\nends with %v", part, err)
			}
			if !answers(got, want) {
				t.Errorf("%s\nanswers\n%s\nwant\n%s", part, got, want)
			}
		}
	}
	if want := len(operation.All) - 1; called < want {
		t.Errorf("the README has %d calls, want %d: one for each operation, two in one for the token", called, want)
	}
}

// shell starts one in a folder like the repository's root, with bin/customercare in it.
// What it gives runs a command there and returns what that printed, without the blanks
// around it. The error names an exit code, and has what was written to standard error.
func shell(t *testing.T) func(command string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "bin", "customercare"), "./infra/cmd/customercare")
	build.Dir = root(t)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	err := errors.Join(os.Mkdir(filepath.Join(dir, ".cache"), 0o755),
		os.Symlink(filepath.Join(root(t), "docs"), filepath.Join(dir, "docs")))
	if err != nil {
		t.Fatal(err)
	}
	sh := exec.CommandContext(t.Context(), "sh")
	complaints, err := os.Create(filepath.Join(dir, ".cache", "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	sh.Dir, sh.Stderr = dir, complaints
	stdin, err := sh.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := sh.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := sh.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sh.Wait() }) // the test's context has ended it
	lines := bufio.NewReader(stdout)
	const end = "-- exit code: "
	return func(command string) (string, error) {
		fmt.Fprintf(stdin, "{ %s\n} </dev/null\ncode=$?; echo; echo '%s'$code\n", command, end)
		var printed strings.Builder
		for {
			line, err := lines.ReadString('\n')
			if err != nil {
				return printed.String(), fmt.Errorf("%w: %s", err, written(t, complaints))
			}
			code, last := strings.CutPrefix(line, end)
			switch {
			case !last:
				printed.WriteString(line)
			case code != "0\n":
				return printed.String(), fmt.Errorf("exit code %s%s", code, written(t, complaints))
			default:
				return strings.TrimSpace(printed.String()), nil
			}
		}
	}
}

// written is all that a file holds, also of what others write there.
func written(t *testing.T, file *os.File) []byte {
	t.Helper()
	all, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestReadmeListsTheCommands compares the README's list of commands with the folders of
// infra/cmd.
func TestReadmeListsTheCommands(t *testing.T) {
	listed := regexp.MustCompile(`(?m)^ +cmd/ +commands: (.+)$`).FindStringSubmatch(source(t, "README.md"))
	if listed == nil {
		t.Fatal("README.md has no line of the commands in infra/cmd")
	}
	folders, err := os.ReadDir(filepath.Join(root(t), "infra/cmd"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, folder := range folders {
		names = append(names, folder.Name())
	}
	if want := strings.Join(names, ", "); listed[1] != want {
		t.Errorf("the README lists %s as commands, infra/cmd has %s", listed[1], want)
	}
}
