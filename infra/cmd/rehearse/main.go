// Command rehearse deploys the stack with SAM into ministack, an emulator of AWS on this
// machine, makes every call of the smoke test there, and deletes the stack again. Nothing
// of it reaches AWS. docs/deploy.md says what it shows, and what not.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"customercare/infra/deployment"
	"customercare/infra/local/process"
	"customercare/infra/probe"
	"customercare/infra/project"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rehearse(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The stack's name, and where it is as far as the emulator knows.
const stackName, region = "rehearsal", "us-east-1"

// rehearse does it all. The error is a sentence for whoever runs it.
func rehearse(ctx context.Context) error {
	for program, install := range map[string]string{
		"sam": "aws-sam-cli", "ministack": "ministack cryptography aws-sam-translator",
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is not installed, so nothing is rehearsed: pip install %s", program, install)
		}
	}
	root, err := project.Root()
	if err != nil {
		return err
	}
	folder := filepath.Join(root, ".cache", "rehearsal")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	architecture := map[string]string{"arm64": "arm64", "amd64": "x86_64"}[runtime.GOARCH]
	emulator, end, err := start(ctx, folder)
	if err != nil {
		return err
	}
	defer end()
	built := filepath.Join(folder, "built")
	file := filepath.Join(built, "template.yaml")
	err = inOrder(
		func() error { return os.Setenv("ARCHITECTURE", architecture) },
		func() error { return sam(ctx, root, "build", "--build-dir", built) },
		func() error { return simplifyFile(file) },
		func() error {
			return sam(ctx, root, "deploy", "--template-file", file, "--stack-name", stackName, "--resolve-s3",
				"--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--parameter-overrides",
				"Architecture="+architecture, "WorkerConcurrency=0", "WriterLifetime=2s", "ClockSkew=0s")
		},
		func() error { return smoke(ctx, emulator) },
		func() error { return sam(ctx, root, "delete", "--stack-name", stackName, "--no-prompts") },
	)
	if err == nil {
		fmt.Println("rehearsed: deployed, every call made, deleted")
	}
	return err
}

// inOrder takes the steps one after the other until one fails.
func inOrder(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// start starts the emulator on the loopback, on a free port, with a log in the folder.
// end ends it with all that it holds.
func start(ctx context.Context, folder string) (address string, end func(), err error) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	free.Close()
	log, err := os.Create(filepath.Join(folder, "ministack.log"))
	if err != nil {
		return "", nil, err
	}
	address = "http://127.0.0.1:" + port
	if err := onlyAsk(address); err != nil {
		return "", nil, err
	}
	cmd := exec.Command("ministack")
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, log, log
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "IOT_MTLS_ENABLED=0")
	if err := process.Start(cmd); err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	end = func() {
		process.Kill(cmd)
		<-ended
		log.Close()
	}
	for {
		if answer, err := http.Get(address + "/_ministack/health"); err == nil {
			answer.Body.Close()
			return address, end, nil
		}
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-ended:
			err = fmt.Errorf("ministack does not start, see %s", log.Name())
		case <-time.After(50 * time.Millisecond):
			continue
		}
		end()
		return "", nil, err
	}
}

// onlyAsk takes away all that leads to AWS: profiles, credentials, other addresses. From
// then on this program and what it starts can ask the emulator alone, and so can the
// functions that the emulator runs.
func onlyAsk(emulator string) error {
	var faults []error
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "AWS_") {
			faults = append(faults, os.Unsetenv(name))
		}
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": emulator, "AWS_ACCESS_KEY_ID": "rehearsal", "AWS_SECRET_ACCESS_KEY": "rehearsal",
		"AWS_REGION": region, "AWS_DEFAULT_REGION": region, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "SAM_CLI_TELEMETRY": "0",
	} {
		faults = append(faults, os.Setenv(name, value))
	}
	return errors.Join(faults...)
}

// sam runs SAM in the folder, and shows what it prints when it fails.
func sam(ctx context.Context, folder string, args ...string) error {
	fmt.Println("sam", args[0])
	cmd := exec.CommandContext(ctx, "sam", append(args, "--region", region)...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s\nsam %s: %w", bytes.TrimSpace(out), args[0], err)
	}
	return nil
}

// smoke makes every call, and fails unless all that went wrong is the emulator's.
func smoke(ctx context.Context, emulator string) error {
	stack, err := deployment.Find(ctx, deployment.Chosen{Stack: stackName})
	if err != nil {
		return err
	}
	api, _, _ := strings.Cut(strings.TrimPrefix(stack.APIURL, "https://"), ".")
	stack.APIURL = emulator + "/restapis/" + api + "/v1/_user_request_"
	var lines bytes.Buffer
	counts, err := probe.Run(ctx, probe.Options{Deployment: stack, Out: io.MultiWriter(os.Stdout, &lines)})
	if err != nil {
		return err
	}
	ours, its := judge(lines.String())
	fmt.Printf("%d checks failed because ministack's gateway answers refusals in its own words and routes no slash in an id: no fault of this stack\n", its)
	if len(ours) > 0 || counts.NotMade > 0 || counts.Failed != its {
		return fmt.Errorf("%d checks failed, %d were not made:\n%s", counts.Failed-its, counts.NotMade, strings.Join(ours, "\n"))
	}
	return nil
}
