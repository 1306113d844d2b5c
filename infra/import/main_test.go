package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/deployment/cloudformationtest"
	"customercare/infra/dynamotest"
)

const records = `{"kind":"user","customerId":"u1","devices":{"d1":{}}}
{"kind":"customer","accountId":"a","code":"1"}
{"kind":"transaction","accountId":"a","code":"1","campaignId":"c","transactionId":"t","at":"2026-01-02T03:04:05Z"}
{"kind":"contact","tenantId":"t","contactId":"c","at":"2026-01-02T03:04:05Z","callingNumber":"1","calledNumber":"2"}
{"kind":"operator","name":"o","password":"p"}
`

// The command as `make import` runs it, into the tables that CloudFormation says are the stack's.
func TestImportIntoAStack(t *testing.T) {
	kit := dynamotest.Open(t)
	endpoint := os.Getenv("DYNAMODB_ENDPOINT")
	cloudformationtest.Serve(t, cloudformationtest.Stack{
		Name: "customercare", Status: "CREATE_COMPLETE", PageSize: 2,
		Resources: cloudformationtest.Tables(map[string]string{
			"Users": kit.Users.Table, "Customers": kit.Customers.Table, "Contacts": kit.Contacts.Table,
			"Principals": kit.Principals.Table, "Erasures": kit.Erasures.Table,
		}),
	})
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
	command := filepath.Join(t.TempDir(), "import")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", command, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "x.ndjson")
	if err := os.WriteFile(file, []byte(records), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(stack, file string) (string, int) {
		t.Setenv("STACK", stack)
		cmd := exec.CommandContext(t.Context(), command, file)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	for range 2 { // again changes nothing
		const want = "loading into stack customercare, AWS eu-west-1\n" +
			"loaded into stack customercare, AWS eu-west-1: 1 user, 1 customer, 1 transaction, 1 contact, 1 operator\n"
		if said, code := run("customercare", file); said != want || code != 0 {
			t.Fatalf("exit %d: %s", code, said)
		}
		count := func(table string) int { return len(kit.Dump(t, table)) }
		got := []int{count(kit.Users.Table), count(kit.Customers.Table), count(kit.Contacts.Table), count(kit.Principals.Table), count(kit.Erasures.Table)}
		if !slices.Equal(got, []int{1, 2, 2, 1, 0}) {
			t.Errorf("items: %v", got)
		}
	}
	if said, code := run("nowhere", file); said != "import: there is no stack nowhere in eu-west-1\n" || code != 1 {
		t.Errorf("exit %d: %s", code, said)
	}
	if err := os.WriteFile(file, []byte("{}\n"+records), 0o600); err != nil {
		t.Fatal(err)
	}
	if said, code := run("customercare", file); !strings.Contains(said, "line 1: ") || code != 1 {
		t.Errorf("exit %d: %s", code, said)
	}
}
