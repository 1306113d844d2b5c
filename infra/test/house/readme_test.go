package house

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/local"
	"customercare/shared/operation"
)

// TestReadmesCallsWork pastes the README's commands into a shell, against a stack as
// "make run" starts it, and compares each answer with the one that stands below it.
func TestReadmesCallsWork(t *testing.T) {
	for _, program := range []string{"sh", "curl", "sed"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("the README's commands need ", program, ", which is not here")
		}
	}
	ports := freePorts(t)
	stdout, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- local.Run(t.Context(), map[string]string{
			"PORT": ports[0], "SECRETS_PORT": ports[1], "KMS_PORT": ports[3], "DYNAMODB_PORT": ports[2],
		}, written, os.Stderr)
		written.Close()
	}()
	t.Cleanup(func() { <-ended }) // the test's context has ended by now
	ready, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal("the stack does not start: ", err)
	}
	address := strings.Fields(ready)[1]
	pasted := 0
	for _, block := range named(t, "README.md").blocks {
		parts := strings.Split(block, "\n\n")
		for i, part := range parts {
			if !strings.Contains(part, "curl ") {
				continue
			}
			pasted++
			shell := exec.Command("sh", "-c", strings.ReplaceAll(part, "http://127.0.0.1:3000", address))
			answer, err := shell.Output()
			if err != nil || i+1 == len(parts) {
				t.Errorf("%s\nends with %v, or has no answer below it", part, err)
				continue
			}
			if got, want := strings.TrimSpace(string(answer)), strings.TrimSpace(parts[i+1]); got != want {
				t.Errorf("%s\nanswers\n%s\nwant\n%s", part, got, want)
			}
		}
	}
	if want := len(operation.All) - 1; pasted != want {
		t.Errorf("the README has %d commands, want %d: one for each operation, two in one for the token", pasted, want)
	}
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

// freePorts are four that nobody listens on.
func freePorts(t *testing.T) []string {
	t.Helper()
	var ports []string
	for range 4 {
		l, err := net.Listen("tcp", ":0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // when all are found, so that they differ
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports
}
