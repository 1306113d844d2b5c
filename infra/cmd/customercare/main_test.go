package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
)

// binary is the command, built once for all tests.
var binary string

func TestMain(m *testing.M) { os.Exit(build(m.Run)) }

func build(test func() int) int {
	dir, err := os.MkdirTemp("", "customercare")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "customercare")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%v: %s", err, out)
		return 1
	}
	return test()
}

// result is what a call of the command has said, and its exit code.
type result struct {
	out, errs string
	code      int
}

func (r result) String() string { return fmt.Sprintf("exit %d\n%s%s", r.code, r.out, r.errs) }

// call runs the command with input on its standard input, which is no terminal.
func call(t *testing.T, input string, args ...string) result {
	t.Helper()
	return callContext(t, t.Context(), input, args...)
}

func callContext(t *testing.T, ctx context.Context, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &out, &errs
	if err := cmd.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			t.Fatal(err)
		}
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// stack makes the kit's tables those of a stack that CloudFormation lists as
// customercare, with these outputs besides.
func stack(t *testing.T, kit *dynamotest.Kit, outputs map[string]string, parameters map[string]string) {
	t.Helper()
	endpoint := cmp.Or(os.Getenv("DYNAMODB_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
	cloudformationtest.Serve(t, cloudformationtest.Stack{
		Name: "customercare", Status: "CREATE_COMPLETE", PageSize: 2, Outputs: outputs, Parameters: parameters,
		Resources: append(cloudformationtest.Tables(map[string]string{
			"Users": kit.Users.Table, "Customers": kit.Customers.Table, "Contacts": kit.Contacts.Table,
			"Principals": kit.Principals.Table, "Erasures": kit.Erasures.Table, "Log": logTable(kit),
			"Holds": kit.Holds.Table,
			"Rules": kit.Rules.Table,
		}), cloudformationtest.Resource{
			LogicalID: "AuditLogs", PhysicalID: "/customercare/customercare/audit", Type: "AWS::Logs::LogGroup",
			Status: "CREATE_COMPLETE",
		}),
	})
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
}

// file is the path of a file with that text.
func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "x.ndjson")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// logTable is the name of the kit's table of the sealed log.
func logTable(kit *dynamotest.Kit) string {
	return strings.TrimSuffix(kit.Erasures.Table, "Erasures") + "Log"
}
