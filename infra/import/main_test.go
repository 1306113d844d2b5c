package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/cloudformationtest"
	"customercare/infra/testkit/dynamotest"
)

const records = `{"kind":"user","customerId":"u1","devices":{"d1":{}}}
{"kind":"customer","accountId":"a","code":"1"}
{"kind":"transaction","accountId":"a","code":"1","campaignId":"c","transactionId":"t","at":"1990-12-31T23:59:60Z"}
{"kind":"contact","tenantId":"t","contactId":"c","at":"1990-12-31T15:59:60-08:00","callingNumber":"1","calledNumber":"2"}
{"kind":"operator","name":"o","password":"p"}
`

// into builds the command and gives a way to run it on a file, with the kit's tables as those of the stack customercare: what
// it said, and its exit code.
func into(t *testing.T, kit *dynamotest.Kit) (run func(stack, file string) (string, int)) {
	t.Helper()
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
	return func(stack, file string) (string, int) {
		t.Setenv("STACK", stack)
		cmd := exec.CommandContext(t.Context(), command, file)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
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

// The command as `make import` runs it, into the tables that CloudFormation says are the stack's.
func TestImportIntoAStack(t *testing.T) {
	kit := dynamotest.Open(t)
	run, good := into(t, kit), file(t, records)
	for range 2 { // again changes nothing
		const want = "loading into stack customercare, AWS eu-west-1\n" +
			"loaded into stack customercare, AWS eu-west-1: 1 user, 1 customer, 1 transaction, 1 contact, 1 operator\n"
		if said, code := run("customercare", good); said != want || code != 0 {
			t.Fatalf("exit %d: %s", code, said)
		}
		count := func(table string) int { return len(kit.Dump(t, table)) }
		got := []int{count(kit.Users.Table), count(kit.Customers.Table), count(kit.Contacts.Table), count(kit.Principals.Table), count(kit.Erasures.Table)}
		if !slices.Equal(got, []int{1, 2, 2, 1, 0}) {
			t.Errorf("items: %v", got)
		}
	}
	if said, code := run("nowhere", good); said != "import: there is no stack nowhere in eu-west-1\n" || code != 1 {
		t.Errorf("exit %d: %s", code, said)
	}
	if said, code := run("customercare", file(t, "{}\n"+records)); !strings.Contains(said, "line 1: ") || code != 1 {
		t.Errorf("exit %d: %s", code, said)
	}
}

// A file that is no lines of JSON is refused as a whole, in one sentence, before anything is loaded.
func TestImportOfAnotherForm(t *testing.T) {
	kit := dynamotest.Open(t)
	command := into(t, kit)
	utf16le := func(text string) string { return strings.Join(strings.Split(text, ""), "\x00") + "\x00" }
	for name, c := range map[string]struct{ file, says string }{
		"UTF-16 with a mark":    {"\xff\xfe" + utf16le(records), "UTF-16 (little-endian)"},
		"UTF-16 without a mark": {utf16le(records), "UTF-16 (little-endian)"},
		"UTF-16, big-endian":    {"\x00" + strings.TrimSuffix(utf16le(records), "\x00"), "UTF-16 (big-endian)"},
		"gzip":                  {"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff" + records, "gzip"},
		"zip":                   {"PK\x03\x04\x14\x00" + records, "zip"},
		"zstd":                  {"\x28\xb5\x2f\xfd\x24\x00" + records, "zstd"},
		"bzip2":                 {"BZh91AY&SY" + records, "bzip2"},
		"xz":                    {"\xfd7zXZ\x00\x00\x04" + records, "xz"},
		"array":                 {"[" + strings.ReplaceAll(strings.TrimSpace(records), "\n", ",") + "]", "JSON array"},
		"array in lines":        {"[\n" + strings.ReplaceAll(strings.TrimSpace(records), "\n", ",\n") + "\n]\n", "JSON array"},
		"indented":              {strings.ReplaceAll(records, ",", ",\n  "), "over several lines"},
	} {
		said, code := command("customercare", file(t, c.file))
		lines := strings.Split(strings.TrimSpace(said), "\n")
		if code != 1 || len(lines) != 2 || !strings.HasPrefix(lines[1], "import: the file ") || !strings.Contains(lines[1], c.says) || !strings.HasSuffix(lines[1], "; nothing is loaded") {
			t.Errorf("%s: exit %d: %s", name, code, said)
		}
	}
	if items := kit.Dump(t, kit.All()...); len(items) > 0 {
		t.Errorf("%d items are loaded", len(items))
	}
}
