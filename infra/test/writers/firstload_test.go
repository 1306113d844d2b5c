package writers

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// importing is what the import makes of a table, and what the stack then takes over.
type importing struct {
	TableName                                    string
	AttributeDefinitions, KeySchema, BillingMode any
	SSESpecification                             any
	GlobalSecondaryIndexes, StreamSpecification  any
}

// The commands of docs/data.md that import the files and take the tables over are run,
// but for the calls of aws: each table gets the keys of template.yaml, which has no index
// and no stream for it, and the stack gets that table under its name there.
func TestCommandsOfAFirstLoad(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(dynamotest.Root(), "docs", "data.md"))
	if err != nil {
		t.Fatal(err)
	}
	script := ""
	for _, block := range regexp.MustCompile(`(?m)(?:^    .*\n|^\n)+`).FindAllString(string(page), -1) {
		if strings.Contains(block, "aws dynamodb import-table") {
			script = regexp.MustCompile(`(?m)^    `).ReplaceAllString(block, "")
		}
	}
	dir := t.TempDir()
	stub := "#!/bin/sh\nfor word; do printf '%s\\n' \"$word\"; done >>calls\n"
	if err := os.WriteFile(filepath.Join(dir, "aws"), []byte(stub), 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("sh", "-e", "-c", strings.Replace(script, "BUCKET=...", "BUCKET=a-bucket", 1))
	shell.Dir, shell.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if said, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s\n%s", err, said, script)
	}
	read := func(name string, into any) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && into != nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			t.Fatalf("%s: %v: %s", name, err, text)
		}
		return string(text)
	}
	var stack struct {
		Resources map[string]struct {
			Type, DeletionPolicy string
			Properties           importing
		}
	}
	read("tables.json", &stack)
	var list []struct {
		ResourceType, LogicalResourceId string
		ResourceIdentifier              map[string]string
	}
	read("list.json", &list)
	calls := strings.Split(read("calls", nil), "import-table\n")
	if !strings.HasPrefix(calls[0], "s3\ncp\nbackfill\ns3://a-bucket/\n--recursive\n") || len(calls) != 5 || len(list) != 4 ||
		len(stack.Resources) != 4 {
		t.Fatalf("%q %v %v", calls, list, stack)
	}
	resources, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	wanted := map[string]importing{}
	for _, r := range resources {
		var table importing
		if text, err := json.Marshal(r.Properties); r.Type != "AWS::DynamoDB::Table" || err != nil || json.Unmarshal(text, &table) != nil {
			continue
		}
		wanted[r.ID] = table
	}
	for i, call := range calls[1:] {
		id, in := list[i].LogicalResourceId, stack.Resources[list[i].LogicalResourceId]
		words := strings.Split(call, "\n")
		var parameters importing
		for _, word := range words {
			if strings.HasPrefix(word, `{"TableName"`) {
				if err := json.Unmarshal([]byte(word), &parameters); err != nil {
					t.Fatal(err)
				}
			}
		}
		want, got := wanted[id], in.Properties
		if want.GlobalSecondaryIndexes != nil || want.StreamSpecification != nil {
			t.Errorf("%s has an index or a stream, which the import must make, too", id)
		}
		for _, is := range []importing{parameters, got} {
			if !reflect.DeepEqual([]any{is.AttributeDefinitions, is.KeySchema, is.BillingMode},
				[]any{want.AttributeDefinitions, want.KeySchema, want.BillingMode}) || is.SSESpecification == nil {
				t.Errorf("%s is\n%+v, template.yaml has\n%+v", id, is, want)
			}
		}
		if !strings.Contains(call, "\nS3Bucket=a-bucket,S3KeyPrefix="+id+"/\n") || parameters.TableName != "customercare-"+id ||
			list[i].ResourceIdentifier["TableName"] != "customercare-"+id || list[i].ResourceType != in.Type ||
			in.Type != "AWS::DynamoDB::Table" || in.DeletionPolicy != "Retain" {
			t.Errorf("%s: %q, %+v, %+v", id, words, list[i], in)
		}
	}
}
