package importer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"

	"customercare/infra/importer"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/store"
)

// load loads the lines and returns what was reported, as "line: sentence" in the order of
// the lines.
func load(t testing.TB, kit *dynamotest.Kit, lines string, change ...func(*importer.Options)) (importer.Counts,
	[]string, error) {
	t.Helper()
	reports := map[int]string{}
	o := options(kit)
	o.Report = func(line int, sentence string) {
		if reports[line] != "" {
			t.Errorf("line %d is reported twice", line)
		}
		reports[line] = sentence
	}
	for _, f := range change {
		f(&o)
	}
	counts, err := importer.Load(t.Context(), o, strings.NewReader(lines))
	var all []string
	for line, sentence := range reports {
		all = append(all, fmt.Sprintf("%04d: %s", line, sentence))
	}
	slices.Sort(all)
	if counts.Failed != len(reports) {
		t.Errorf("%d lines failed, %d are reported", counts.Failed, len(reports))
	}
	return counts, all, err
}

func options(kit *dynamotest.Kit) importer.Options {
	return importer.Options{Client: kit.DB, Tables: importer.Tables{
		Users: kit.Users.Table, Customers: kit.Customers.Table, Contacts: kit.Contacts.Table,
		Principals: kit.Principals.Table,
	}}
}

func mustLoad(t testing.TB, kit *dynamotest.Kit, lines ...string) importer.Counts {
	t.Helper()
	counts, reports, err := load(t, kit, strings.Join(lines, "\n"))
	if err != nil {
		t.Fatalf("%v %q", err, reports)
	}
	return counts
}

// items are all items of a table in plain JSON: DynamoDB's types are told by JSON's.
func items(t testing.TB, kit *dynamotest.Kit, table string) []string {
	t.Helper()
	var all []string
	for _, line := range kit.Dump(t, table) {
		var item map[string]any
		d := json.NewDecoder(strings.NewReader(strings.TrimPrefix(line, table+" ")))
		d.UseNumber()
		if err := d.Decode(&item); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if err := e.Encode(plain(item)); err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimSpace(out.String()))
	}
	slices.Sort(all)
	return all
}

func plain(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case map[string]any:
		if inner, ok := v["Value"]; ok && len(v) == 1 {
			return plain(inner)
		}
		for name := range v {
			v[name] = plain(v[name])
		}
	}
	return v
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestItemsOfEachKind(t *testing.T) {
	kit := dynamotest.Open(t)
	began := strconv.FormatInt(time.Now().Unix(), 10)
	mustLoad(t, kit,
		`{"kind":"user","customerId":"ü/%#","registration":{"level":2},"devices":{"d1":{"since":1.5}},"locale":"en","Value":null}`,
		`{"kind":"customer","accountId":"a#b","code":"100%","name":"Fay Fiction","record":"txn","tombstone":"x","customer":{"a":[1,"b",false]}}`,
		`{"kind":"transaction","accountId":"a","code":"b","campaignId":"c#","transactionId":"1","at":"2029-01-02T03:04:05+01:00","amount":"12.50","record":"customer"}`,
		`{"kind":"contact","tenantId":"t","contactId":"c1","at":"2029-01-02T03:04:05Z","callingNumber":"wen11","calledNumber":"135****1111","customNos":["wen11","kehu@*****.com"],"content":"hi","parties":[],"party":"x"}`,
		`{"kind":"apiUser","name":"john","key":"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq","accounts":["b","a","b"]}`,
		`{"kind":"app","name":"key","secret":"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq","tenantId":"t"}`,
		`{"kind":"operator","name":"csr","password":"correct horse battery"}`)
	same(t, items(t, kit, kit.Users.Table), []string{
		`{"customerId":"ü/%#","data":{"Value":true,"locale":"en"},"devices":{"d1":{"since":"1.5"}},"registration":{"level":"2"},"tempAllows":{}}`,
	})
	same(t, items(t, kit, kit.Customers.Table), []string{
		`{"customer":"a#b","data":{"amount":"12.50","at":"2029-01-02T03:04:05+01:00","record":"customer"},"record":"txn#c%23#1"}`,
		`{"customer":"a%23b#100%25","data":{"customer":{"a":["1","b",false]},"name":"Fay Fiction","record":"txn","tombstone":"x"},"record":"customer"}`,
	})
	const rest = `"contact":"2029-01-02T03:04:05.000000000Z#c1","data":{"at":"2029-01-02T03:04:05Z","calledNumber":"135****1111","callingNumber":"wen11","content":"hi","customNos":["wen11","kehu@*****.com"],"parties":[],"party":"x"},"parties":["135****1111","kehu@*****.com","wen11"],"party":`
	same(t, items(t, kit, kit.Contacts.Table), []string{
		`{` + rest + `"t#135****1111"}`, `{` + rest + `"t#kehu@*****.com"}`, `{` + rest + `"t#wen11"}`,
	})
	const hashed = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" // FIPS 180-2 B.2
	principals := items(t, kit, kit.Principals.Table)
	for i, item := range principals {
		changed := regexp.MustCompile(`"changed":"(\d+)",`)
		at := changed.FindStringSubmatch(item)
		if at == nil || at[1] < began || at[1] > strconv.FormatInt(time.Now().Unix(), 10) {
			t.Errorf("changed at %q, loaded from %s on", at, began)
		}
		principals[i] = changed.ReplaceAllString(item, "")
	}
	slices.Sort(principals)
	same(t, principals[:2], []string{
		`{"accounts":["b","a"],"hashes":["` + hashed + `"],"principal":"apiUser#john","v":"1"}`,
		`{"hashes":["` + passwordHash(t, kit, "csr") + `"],"principal":"operator#csr","v":"1"}`,
	})
	same(t, principals[2:], []string{`{"hashes":["` + hashed + `"],"principal":"app#key","tenantId":"t","v":"1"}`})

	hash := passwordHash(t, kit, "csr")
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", hash)
	}
	if ok, err := argon2id.ComparePasswordAndHash("correct horse battery", hash); !ok || err != nil {
		t.Errorf("the password does not fit its hash: %v", err)
	}
}

func passwordHash(t testing.TB, kit *dynamotest.Kit, name string) string {
	t.Helper()
	p, _, err := kit.Principals.Find(t.Context(), store.Operator, name, "")
	if err != nil || p == nil || len(p.Hashes) != 1 {
		t.Fatalf("operator %v: %v", p, err)
	}
	return p.Hashes[0]
}

func demo(t testing.TB) string {
	t.Helper()
	var all strings.Builder
	files, err := filepath.Glob(filepath.Join(dynamotest.Root(), "infra", "demo", "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("demo files: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestLoadingTwiceChangesNothing(t *testing.T) {
	kit := dynamotest.Open(t)
	first := mustLoad(t, kit, demo(t))
	before := kit.Dump(t, kit.All()...)
	second := mustLoad(t, kit, demo(t))
	same(t, kit.Dump(t, kit.All()...), before)
	if first.String() != second.String() || first.Loaded["customer"] < 4 || len(before) < 30 {
		t.Errorf("%s, then %s; %d items", first, second, len(before))
	}
	for _, line := range before {
		for _, secret := range []string{"csr-demo-password", "1959caadac9b13dcb3", "demo-app-secret"} {
			if strings.Contains(line, secret) {
				t.Errorf("a secret in the clear: %s", line)
			}
		}
	}

	old := passwordHash(t, kit, "csr")
	mustLoad(t, kit, `{"kind":"operator","name":"csr","password":"another horse, another battery"}`)
	if ok, err := argon2id.ComparePasswordAndHash("another horse, another battery",
		passwordHash(t, kit, "csr")); !ok || err != nil || old == passwordHash(t, kit, "csr") {
		t.Error("a new password must take the old one's place")
	}
}

// An activity is loaded as a number, whoever's it is, over none that stands there of a
// user: what an operation has written is newer than a file.
func TestActivityIsLoaded(t *testing.T) {
	kit := dynamotest.Open(t)
	mustLoad(t, kit, `{"kind":"user","customerId":"u"}`)
	if err := kit.Users.Reset(t.Context(), "u", time.UnixMilli(1_900_000_000_001)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustLoad(t, kit, `{"kind":"user","customerId":"u","activeAt":"2026-01-02T03:04:05Z"}`,
			`{"kind":"user","customerId":"v","activeAt":"2026-01-02T03:04:05.678+01:00"}`,
			`{"kind":"customer","accountId":"a","code":"c","activeAt":"2026-01-02T03:04:05Z","name":"n"}`,
			`{"kind":"transaction","accountId":"a","code":"c","campaignId":"g","transactionId":"1","at":"2026-01-02T03:04:05Z","activeAt":"odd"}`)
	}
	same(t, items(t, kit, kit.Users.Table), []string{
		`{"activeAt":"1767319445678","customerId":"v","tempAllows":{}}`,
		`{"activeAt":"1900000000001","customerId":"u","tempAllows":{}}`,
	})
	same(t, items(t, kit, kit.Customers.Table), []string{
		`{"activeAt":"1767323045000","customer":"a#c","data":{"name":"n"},"record":"customer"}`,
		`{"customer":"a#c","data":{"activeAt":"odd","at":"2026-01-02T03:04:05Z"},"record":"txn#g#1"}`,
	})
}

func TestUserKeepsWhatTheRecordDoesNotName(t *testing.T) {
	kit := dynamotest.Open(t)
	mustLoad(t, kit, `{"kind":"user","customerId":"u","registration":{"a":1},"devices":{"d1":{},"d2":{}}}`)
	err := kit.Users.SetTempAllow(t.Context(), "u", store.TempAllow{
		Type: 1, Expires: time.UnixMilli(2e12), GrantedAt: time.UnixMilli(1e12), GrantedBy: "csr",
	})
	if err != nil {
		t.Fatal(err)
	}
	mustLoad(t, kit, `{"kind":"user","customerId":"u","devices":{"d3":{}},"phrases":{}}`,
		`{"kind":"user","customerId":"v"}`)
	same(t, items(t, kit, kit.Users.Table), []string{
		`{"activeAt":"1000000000000","customerId":"u","devices":{"d3":{}},"phrases":{},"registration":{"a":"1"},"tempAllows":{"1":{"expires":"2000000000000","grantedAt":"1000000000000","grantedBy":"csr"}}}`,
		`{"customerId":"v","tempAllows":{}}`,
	})
}

// The forms a text file comes in, and bad lines between good ones.
func TestBadLineStopsNothingElse(t *testing.T) {
	kit := dynamotest.Open(t)
	long := func(n int) string { // a line of n bytes
		const head, tail = `{"kind":"private`, `"}`
		return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
	}
	counts, reports, err := load(t, kit, "\uFEFF"+`{"kind":"customer","accountId":"a","code":"1"}`+"\r\n"+
		"\n \t\r\n"+
		`{"kind":"customer","accountId":"a","code":2}`+"\n"+
		long(1<<20)+"\r\n"+
		long(1<<20+1)+"\n"+
		long(65<<20)+"\n"+
		`  {"kind":"customer","accountId":"a","code":"2"}  `+"\r\n"+
		`{"kind":"customer","accountId":"a"`+"\n"+
		`{"kind":"customer","accountId":"a","code":"3"}`)
	same(t, reports, []string{
		"0004: code must be a string of 1 to 128 bytes",
		"0005: kind must be a string of 1 to 128 bytes",
		"0006: the line is longer than 1 MB",
		"0007: the line is longer than 1 MB",
		"0009: the line is not valid JSON at byte 35",
	})
	if err == nil || err.Error() != "5 of 8 lines are not loaded" || counts.Loaded["customer"] != 3 {
		t.Errorf("%v, %v", counts, err)
	}
	same(t, items(t, kit, kit.Customers.Table), []string{
		`{"customer":"a#1","record":"customer"}`, `{"customer":"a#2","record":"customer"}`,
		`{"customer":"a#3","record":"customer"}`,
	})
}

func TestLastLineOfAKeyWins(t *testing.T) {
	kit := dynamotest.Open(t)
	var lines []string
	for i := range 100 {
		n := strconv.Itoa(i)
		lines = append(lines,
			`{"kind":"user","customerId":"u","phrases":{"n":"`+n+`"}}`,
			`{"kind":"customer","accountId":"a","code":"c","n":"`+n+`"}`,
			`{"kind":"transaction","accountId":"a","code":"c","campaignId":"x","transactionId":"1","at":"2029-01-01T00:00:00Z","n":"`+n+`"}`,
			`{"kind":"contact","tenantId":"t","contactId":"1","at":"2029-01-01T00:00:00Z","callingNumber":"n`+n[:1]+`","calledNumber":"m","n":"`+n+`"}`)
	}
	counts := mustLoad(t, kit, lines...)
	if counts.String() != "100 users, 100 customers, 100 transactions, 100 contacts" {
		t.Error(counts)
	}
	for table, n := range map[string]int{kit.Users.Table: 1, kit.Customers.Table: 2, kit.Contacts.Table: 2} {
		all := items(t, kit, table)
		if len(all) != n {
			t.Errorf("%d items:\n%s", len(all), strings.Join(all, "\n"))
		}
		for _, item := range all {
			if !strings.Contains(item, `"n":"99"`) {
				t.Errorf("not the last line: %s", item)
			}
		}
	}
}

func TestStopsWhenATableIsMissing(t *testing.T) {
	kit := dynamotest.Open(t)
	_, reports, err := load(t, kit, "\n"+`{"kind":"user","customerId":"u"}`+"\n",
		func(o *importer.Options) { o.Tables.Users = "nowhere" })
	stopped, ok := errors.AsType[*importer.Stopped](err)
	if !ok || stopped.Line != 2 || stopped.Error() != "stopped at line 2: the table nowhere is not there" ||
		len(reports) > 0 {
		t.Errorf("%v %q", err, reports)
	}
}
