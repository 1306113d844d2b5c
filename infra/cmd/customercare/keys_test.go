package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"customercare/infra/attribute"
	"customercare/infra/local/secrets"
	"customercare/infra/testkit/dynamotest"
)

// keysSecret is the secret of a stack customercare, with that text.
func keysSecret(t *testing.T, kit *dynamotest.Kit, text, current string) *secrets.Server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	arn := secrets.ARN("eu-west-1", "123456789012", "keys")
	server := secrets.Serve(listener, []secrets.Secret{{LogicalID: "DigestKeys", Name: "keys", ARN: arn, Text: text}})
	t.Cleanup(server.Close)
	stack(t, kit, map[string]string{"DigestKeysSecret": arn}, map[string]string{"DigestKeyId": current})
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.URL)
	t.Setenv("STACK", "customercare")
	return server
}

// A rotation adds a key and says what to deploy; no command tells a key.
func TestKeysAreRotated(t *testing.T) {
	kit := dynamotest.Open(t)
	server := keysSecret(t, kit, bothKeys, "2")
	call(t, "", "keys", "check").is(t, 0, "")
	call(t, "", "keys", "check", "--id", "1").is(t, 0, "")
	call(t, "", "keys", "check", "--id", "3").is(t, 3, `there is no key "3"`)
	r := call(t, "", "keys", "rotate")
	year := regexp.MustCompile(`^DigestKeyId=(20\d\d)\n$`).FindStringSubmatch(r.out)
	if year == nil {
		t.Fatal(r)
	}
	r.is(t, 0, "next: write DigestKeyId="+year[1]+" into parameter_overrides of samconfig.toml")
	secret, _ := server.Secret("DigestKeys")
	var keys map[string]string
	if err := json.Unmarshal([]byte(secret.Text), &keys); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 3 || keys["1"] != firstKey || keys["2"] != secondKey || len(keys[year[1]]) != 64 {
		t.Errorf("keys %v", keys)
	}
	all := r.String()
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"keys rotate --id " + year[1], 1, `there is a key "` + year[1] + `" already, and no key is ever replaced`},
		{"keys rotate --id a-b", 1, `"a-b" is no id of a key`},
		{"keys rotate --id 2027a --json", 0, "DigestKeyId=2027a"},
		{"keys rotate", 0, "DigestKeyId=" + year[1] + "b"},
		{"keys show", 0, ""},
		{"keys show --json", 0, ""},
		{"keys check --json", 0, ""},
		{"keys check --id 2027a", 0, ""},
		{"keys frob", 2, `customercare keys has no command "frob"`},
	} {
		r := call(t, "", strings.Fields(c.args)...)
		r.is(t, c.code, c.says)
		all += r.String()
	}
	secret, _ = server.Secret("DigestKeys")
	if err := json.Unmarshal([]byte(secret.Text), &keys); err != nil || len(keys) != 5 {
		t.Errorf("keys %v, %v", keys, err)
	}
	for _, key := range keys {
		if strings.Contains(all, key) {
			t.Errorf("a key is told:\n%s", all)
		}
	}
	if shown := call(t, "", "keys", "show"); !regexp.MustCompile(`(?m)^2 +yes\n`).MatchString(shown.out) ||
		!regexp.MustCompile(year[1]+` +no\n`).MatchString(shown.out) {
		t.Error(shown)
	}
}

// The local stack makes the key of an id itself, so that its next step is another.
func TestKeysOfTheLocalStack(t *testing.T) {
	local(t, dynamotest.Open(t))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	t.Setenv("SECRETS_PORT", port)
	server := secrets.Serve(listener, []secrets.Secret{{
		LogicalID: "DigestKeys", Name: "DigestKeys", Text: `{"1":"` + firstKey + `"}`,
		ARN: secrets.ARN("us-east-1", "123456789012", "DigestKeys"),
	}})
	defer server.Close()
	r := call(t, "", "keys", "rotate")
	r.is(t, 0, "start it with `PARAMETERS="+strings.TrimSpace(r.out)+" make run`")
	if !strings.HasPrefix(r.out, "DigestKeyId=20") || strings.Contains(r.errs, "samconfig") {
		t.Error(r)
	}
	t.Setenv("SECRETS_PORT", "1")
	call(t, "", "keys", "show").is(t, 1, "nothing answers at 127.0.0.1:1: start the local stack with"+
		" `make run`, or set SECRETS_PORT")
}

// What functions would not start with is found, and nothing is added to it.
func TestFaultsOfKeysAreFound(t *testing.T) {
	kit := dynamotest.Open(t)
	for text, want := range map[string]string{
		`{"1":"` + firstKey + `"}`:                       `there is no key "2", which the parameter DigestKeyId names`,
		`{"2":"short"}`:                                  `the key "2" has less than 32 characters`,
		`{"2":"` + firstKey + `","":"` + firstKey + `"}`: `the id "" is none`,
	} {
		server := keysSecret(t, kit, text, "2")
		r := call(t, "", "keys", "check")
		r.is(t, 3, want)
		call(t, "", "keys", "rotate").is(t, 1, "the secret is not changed, because it has faults")
		if secret, _ := server.Secret("DigestKeys"); secret.Text != text || strings.Contains(r.String(), firstKey) {
			t.Errorf("%s, was %s; %v", secret.Text, text, r)
		}
	}
	for _, text := range []string{
		"", "[]", "null", firstKey, `{"2":"` + firstKey + `","2":"` + secondKey + `"}`,
		`{"2":{"key":"` + firstKey + `"}}`,
	} {
		keysSecret(t, kit, text, "2")
		r := call(t, "", "keys", "check")
		r.is(t, 1, "this is not the text of the secret DigestKeys")
		if strings.Contains(r.String(), firstKey) {
			t.Errorf("a key is told: %v", r)
		}
	}
	// A key that was taken away while digests of it stand in the ledger.
	kit.Put(t, kit.Erasures.Table, attribute.Item{
		"erasureId": attribute.Text("erasure-1"), "subjects": attribute.Texts("9." + strings.Repeat("0", 64)),
	})
	keysSecret(t, kit, bothKeys, "2")
	call(t, "", "keys", "check").is(t, 3, `the key "9" is missing, with which digests in the ledger were made`)
	stack(t, kit, nil, nil)
	t.Setenv("STACK", "customercare")
	call(t, "", "keys", "check").is(t, 1, "name a stack that has the output DigestKeysSecret")
}

// restoredTo puts a DynamoDB before that of the tests which says that each table was
// restored to that time, or is being restored.
func restoredTo(t *testing.T, at string, still bool) {
	t.Helper()
	engine, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := time.Parse(time.RFC3339, at)
	if err != nil {
		t.Fatal(err)
	}
	summary := fmt.Sprintf(`{"Table":{"RestoreSummary":{"RestoreDateTime":%d,"RestoreInProgress":%t}}}`, to.Unix(), still)
	proxy := httputil.NewSingleHostReverseProxy(engine)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeTable") {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, summary)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", server.URL)
}

// Without --keys the keys of a restore are the stack's.
func TestRestorableReadsTheSecret(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	call(t, records, "import", "-").is(t, 0, "")
	args := []string{"restorable", "--table", kit.Customers.Table, "--since", "2026-01-02T03:04:05Z"}
	r := call(t, "", args...)
	r.is(t, 0, "2 records can be restored, 0 items are left out")
	if strings.Count(r.out, "\n") != 2 {
		t.Error(r)
	}
	name := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(name, []byte(bothKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	if again := call(t, "", append(args, "--keys", name)...); again.out != r.out {
		t.Error(again)
	}
	call(t, "", append(args[:3:3], "--since", "2999-01-02T03:04:05Z")...).is(t, 2, "--since is in the future")
	restoredTo(t, "2026-01-02T03:04:05Z", false)
	for since, code := range map[string]int{
		"2025-12-31T00:00:00Z": 0, "2026-01-02T03:04:05.9Z": 0, "2026-01-02T03:04:06Z": 2, "2026-10-02T03:04:06Z": 2,
	} {
		r := call(t, "", append(args[:3:3], "--since", since)...)
		if r.code != code || code == 2 && (r.out != "" || !strings.Contains(r.errs, "say --since 2026-01-02T03:04:05Z\n")) {
			t.Errorf("%s: %v", since, r)
		}
	}
	call(t, "", args[:3]...).is(t, 2, "--since must say to which time the table was restored")
	call(t, "", "restorable", "--table", "t", "--since", "today").is(t, 2, "a time like 2026-01-02T03:04:05Z")
	r = call(t, "", "restorable", "--table", "nowhere", "--since", "2026-01-02T03:04:05Z")
	if r.code != 1 || r.errs != "customercare: the table nowhere is not there\n" { // and no count of what was printed
		t.Error(r)
	}
	call(t, "", "restorable", "--table", "", "--since", "2026-01-02T03:04:05Z").is(t, 2, "--table is empty")
	call(t, "", "restorable", "--since", "2026-01-02T03:04:05Z").is(t, 2, "--table must name a table")
	restoredTo(t, "2026-01-02T03:04:05Z", true)
	call(t, "", args...).is(t, 1, "is being restored still: wait for it with `aws dynamodb wait table-exists")
}
