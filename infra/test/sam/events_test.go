// Package sam runs the events of infra/events with the real `sam local invoke`, where the
// AWS SAM CLI and Docker or podman are, on a stack as `make run` starts it. Elsewhere
// infra/test/e2e runs them, under the local Lambda Runtime API.
package sam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"customercare/infra/local"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/eventlist"
	"customercare/infra/testkit/freeport"
)

// place is where functions run.
type place struct {
	architecture string // of this machine
	gateway      string // how a container sees this machine
	host         string // the address behind it, where it is one of this machine; else empty
}

// The answer of each function to each event is what the README beside the events says.
func TestEventsBySAM(t *testing.T) {
	if testing.Short() {
		t.Skip("26 starts of SAM and of a container take minutes: not with -short")
	}
	here := find(t)
	ports := begin(t, here)
	built := filepath.Join(t.TempDir(), "built")
	here.sam(t, "build", "--build-dir", built)
	environment := addresses(t, ports)
	for _, e := range eventlist.Read(t) {
		t.Run(e.Name, func(t *testing.T) {
			answer := here.sam(t, "local", "invoke", e.Function, "--template", filepath.Join(built, "template.yaml"),
				"--event", filepath.Join("infra", "events", e.Name+".json"), "--env-vars", environment,
				"--add-host", "host.docker.internal:"+here.gateway, "--skip-pull-image")
			if err := e.Check(answer); err != nil {
				t.Error(err)
			}
		})
	}
}

// find looks for all that the test needs, and skips it with the reason where something is
// missing. It downloads nothing: `make invoke` gets the image of Lambda.
func find(t *testing.T) place {
	t.Helper()
	if _, err := exec.LookPath("sam"); err != nil {
		t.Skip("the AWS SAM CLI is not installed (pip install aws-sam-cli)")
	}
	architecture := map[string]string{"arm64": "arm64", "amd64": "x86_64"}[runtime.GOARCH]
	if architecture == "" {
		t.Skipf("Lambda does not run on %s", runtime.GOARCH)
	}
	here, missing := docker(t)
	if missing != nil {
		var also error
		if here, also = podman(t); also != nil {
			t.Skipf("no container can be started here: docker: %v; podman: %v", missing, also)
		}
	}
	here.architecture = architecture
	return here
}

// docker is the place where Docker runs functions. Its bridge is not on this machine
// where Docker Desktop has it in another one, which reaches the loopback by itself.
func docker(t *testing.T) (place, error) {
	if at := os.Getenv("DOCKER_HOST"); strings.Contains(at, "podman") {
		return place{}, errors.New("DOCKER_HOST is podman's")
	}
	if err := hasImage(t, "docker"); err != nil {
		return place{}, err
	}
	here := place{gateway: "host-gateway"}
	if bridge, err := net.InterfaceByName("docker0"); err == nil {
		addresses, err := bridge.Addrs()
		if err != nil || len(addresses) == 0 {
			return place{}, errors.New("docker0 has no address")
		}
		here.host, _, _ = strings.Cut(addresses[0].String(), "/")
	}
	return here, nil
}

// podman is the place where podman does. It has to be told the address of its bridge,
// which is there once a container has run.
func podman(t *testing.T) (place, error) {
	if err := hasImage(t, "podman"); err != nil {
		return place{}, err
	}
	if os.Getenv("DOCKER_HOST") == "" {
		return place{}, errors.New("SAM finds it by DOCKER_HOST, which is not set")
	}
	address, err := ask(t, "podman", "network", "inspect", "podman", "--format", "{{(index .Subnets 0).Gateway}}")
	if err != nil {
		return place{}, err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return place{}, err
	}
	listener.Close()
	return place{gateway: address, host: address}, nil
}

// hasImage says what is missing before the program can run a function: itself, or
// Lambda's image.
func hasImage(t *testing.T, program string) error {
	image, err := ask(t, program, "image", "ls", "--quiet", "--filter", "reference=*/lambda/provided")
	if err == nil && image == "" {
		err = errors.New("it has no image of Lambda yet, which make invoke F=Cleanup gets")
	}
	return err
}

// ask runs a program that answers at once or is not there.
func ask(t *testing.T, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil && complaint.Len() > 0 {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(complaint.String()))
	}
	return strings.TrimSpace(string(out)), err
}

// begin starts a stack with the demo data, and gives its ports by the names of their
// variables.
func begin(t *testing.T, here place) map[string]string {
	t.Helper()
	variables := map[string]string{"SECRETS_HOST": here.host}
	names := []string{"PORT", "DYNAMODB_PORT", "SECRETS_PORT", "KMS_PORT", "DOCS_PORT"}
	for i, number := range freeport.Take(t, len(names)) {
		variables[names[i]] = number
	}
	read, written, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- local.Run(ctx, variables, written, os.Stderr)
		written.Close()
	}()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		read.Close()
	})
	var word, address string
	if _, err := fmt.Fscan(read, &word, &address); err != nil || word != "ready" {
		t.Fatalf("the stack does not start: %q, %v", word, err)
	}
	return variables
}

// addresses is infra/local/env.json with the ports of the stack.
func addresses(t *testing.T, ports map[string]string) (file string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(), "infra", "local", "env.json"))
	if err != nil {
		t.Fatal(err)
	}
	replaced := strings.NewReplacer(`:8000"`, ":"+ports["DYNAMODB_PORT"]+`"`, `:3001"`, ":"+ports["SECRETS_PORT"]+`"`,
		`:3002"`, ":"+ports["KMS_PORT"]+`"`).Replace(string(text))
	file = filepath.Join(t.TempDir(), "env.json")
	if err := os.WriteFile(file, []byte(replaced), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sam runs SAM for this machine, and gives what it prints: of an invocation the answer.
func (p place) sam(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sam", append(args,
		"--region", "us-east-1", "--parameter-overrides", "Architecture="+p.architecture)...)
	cmd.Dir = dynamotest.Root()
	cmd.Env = append(os.Environ(), "ARCHITECTURE="+p.architecture, "SAM_CLI_TELEMETRY=0")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || len(out) == 0 && args[0] == "local" {
		t.Fatalf("sam %s: %v, it prints %q\n%s", strings.Join(args, " "), err, out, complaint.String())
	}
	return out
}
