package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"customercare/infra/testkit/dynamotest"
)

const records = `{"kind":"user","customerId":"u1","devices":{"d1":{}}}
{"kind":"customer","accountId":"a","code":"1"}
{"kind":"transaction","accountId":"a","code":"1","campaignId":"c","transactionId":"t","at":"1990-12-31T23:59:60Z"}
{"kind":"contact","tenantId":"t","contactId":"c","at":"1990-12-31T15:59:60-08:00","callingNumber":"1","calledNumber":"2"}
{"kind":"operator","name":"o","password":"sixteen letters!"}
`

// TestImportLooksAtTheFileFirst names a file that is not there, and a stack that is not.
func TestImportLooksAtTheFileFirst(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	call(t, "", "import", missing, "--endpoint", "http://127.0.0.1:1").
		is(t, 1, "missing cannot be read: no such file or directory\n")
}

// A load goes into the tables that CloudFormation says are the stack's, and again changes
// nothing.
func TestImportIntoAStack(t *testing.T) {
	kit := dynamotest.Open(t)
	stack(t, kit, nil, nil)
	good := file(t, records)
	for _, args := range [][]string{{"import", good}, {"import", "-"}} {
		const want = "loading into stack customercare, AWS eu-west-1\n" +
			"loaded into stack customercare, AWS eu-west-1: 1 user, 1 customer, 1 transaction, 1 contact, 1 operator\n"
		if r := call(t, records, append(args, "--stack", "customercare")...); r.out != want || r.errs != "" ||
			r.code != 0 {
			t.Fatal(r)
		}
		var got []int
		for _, table := range kit.All() { // users, customers, contacts, principals, erasures
			got = append(got, len(kit.Dump(t, table)))
		}
		if !slices.Equal(got, []int{1, 2, 2, 1, 0}) {
			t.Errorf("items: %v", got)
		}
	}
	t.Setenv("STACK", "nowhere") // as `make import STACK=nowhere` sets it
	if r := call(t, "", "import", good); r.out != "" ||
		r.errs != "customercare: there is no stack nowhere in eu-west-1\n" || r.code != 1 {
		t.Error(r)
	}
	bad := file(t, "{}\n"+records+`{"kind":"operator","name":"weak","password":"sesame"}`)
	r := call(t, "", "import", bad, "--stack", "customercare", "--json") // a flag goes before the variable
	if !strings.Contains(r.errs, "line 1: ") ||
		!strings.Contains(r.errs, "line 7: password has less than 15 characters\n") || r.code != 3 {
		t.Error(r)
	}
	if !strings.Contains(r.out, `"refused": 2`) || !strings.Contains(r.out, `"transaction": 1`) {
		t.Error(r)
	}
	if r := call(t, "", "import", file(t, "{}\n"+records), "--from", "2", "--stack", "customercare"); r.code != 0 {
		t.Error(r)
	}
	// The line after the last may be named by a load that stopped; what lies behind is a
	// mistake.
	if r := call(t, "", "import", good, "--from", "6", "--stack", "customercare"); r.code != 0 {
		t.Error(r)
	}
	call(t, "", "import", good, "--from", "700", "--stack", "customercare").
		is(t, 1, "the file has no line 700: its last is line 5; nothing is loaded")
	call(t, "", "import", t.TempDir(), "--stack", "customercare").is(t, 1, " is a folder: name a file")
	for _, args := range [][]string{{}, {good, good}, {good, "--from", "0"}, {good, "--frm", "1"}} {
		if r := call(t, "", append([]string{"import"}, args...)...); r.code != 2 || r.out != "" ||
			!strings.Contains(r.errs, "see `customercare import --help`\n") {
			t.Errorf("%v: %v", args, r)
		}
	}
	if r := call(t, "", "import", good+"x", "--stack", "customercare"); r.code != 1 ||
		!strings.HasSuffix(r.errs, "cannot be read: no such file or directory\n") {
		t.Error(r)
	}
}

// A file that is no lines of JSON is refused as a whole, in one sentence, before
// anything is loaded.
func TestImportOfAnotherForm(t *testing.T) {
	kit := dynamotest.Open(t)
	stack(t, kit, nil, nil)
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
		"array in lines": {"[\n" + strings.ReplaceAll(strings.TrimSpace(records), "\n", ",\n") + "\n]\n",
			"JSON array"},
		"indented": {strings.ReplaceAll(records, ",", ",\n  "), "over several lines"},
	} {
		r := call(t, "", "import", file(t, c.file), "--stack", "customercare")
		if r.code != 1 || strings.Count(r.out, "\n") != 1 || strings.Count(r.errs, "\n") != 1 ||
			!strings.HasPrefix(r.errs, "customercare: the file ") || !strings.Contains(r.errs, c.says) ||
			!strings.HasSuffix(r.errs, "; nothing is loaded\n") {
			t.Errorf("%s: %v", name, r)
		}
	}
	if items := kit.Dump(t, kit.All()...); len(items) > 0 {
		t.Errorf("%d items are loaded", len(items))
	}
}
