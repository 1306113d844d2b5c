package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/fixture"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/metrictest"
	"customercare/shared/digest"
	"customercare/shared/store"
)

// subjects fills tables with a customer of this many transactions, contacts, a user, and
// neighbours of each, whose names begin as theirs do.
func subjects(t *testing.T, kit *dynamotest.Kit, transactions int) {
	t.Helper()
	all := fixture.CustomerWith("shop", "4711", transactions)
	all[0].With("activeAt", "2026-01-02T03:04:05.678Z").With("points", 12345678901234567890.5).With("nested", fixture.Fields{"list": []any{1.5, true, nil, "x"}})
	all = append(all, fixture.CustomerWith("shop", "47110", 2)...)
	all = append(all, fixture.CustomerWith("shop#4711", "x", 2)...)
	if err := fixture.Fill(t.Context(), kit.Plain, kit.Customers.Table, slices.Values(all)); err != nil {
		t.Fatal(err)
	}
	contacts := []fixture.Record{
		fixture.Contact("acme", "c1", "111", "222"), fixture.Contact("acme", "c2", "222", "111"),
		fixture.Contact("acme", "c3", "111", "111"), fixture.Contact("acme", "c4", "1110", "222"),
		fixture.Contact("acme2", "c5", "111", "222"),
		fixture.Contact("acme", "c6", "222", "333").With("customNos", []string{"000", "111"}),
	}
	if err := fixture.Fill(t.Context(), kit.Plain, kit.Contacts.Table, slices.Values(contacts)); err != nil {
		t.Fatal(err)
	}
	load(t, kit, fixture.User("u1").With("activeAt", "2026-01-02T03:04:05Z").String()+"\n"+fixture.User("u11").String())
}

// again imports what was printed into empty tables, and gives their kit.
func again(t *testing.T, printed string, code int) *dynamotest.Kit {
	t.Helper()
	t.Setenv("DYNAMODB_ENDPOINT", os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
	kit := dynamotest.Open(t)
	t.Setenv("DYNAMODB_ENDPOINT", "") // the stack's tables are named
	for name, table := range map[string]string{
		"USERS": kit.Users.Table, "CUSTOMERS": kit.Customers.Table, "CONTACTS": kit.Contacts.Table,
		"PRINCIPALS": kit.Principals.Table,
	} {
		t.Setenv(name+"_TABLE", table)
		defer os.Unsetenv(name + "_TABLE")
	}
	if r := call(t, "", "import", file(t, printed)); r.code != code || strings.Contains(r.errs, "kind is none of") {
		t.Fatal(r)
	}
	return kit
}

// same says whether the items of one table that have this in their line are all items of
// another.
func same(t *testing.T, before *dynamotest.Kit, from, has string, after *dynamotest.Kit, into string) {
	t.Helper()
	var want, got []string
	for _, line := range before.Dump(t, from) {
		if strings.Contains(line, has) {
			want = append(want, strings.TrimPrefix(line, from))
		}
	}
	for _, line := range after.Dump(t, into) {
		if strings.Contains(line, has) {
			got = append(got, strings.TrimPrefix(line, into))
		}
	}
	if !slices.Equal(want, got) || len(want) == 0 {
		t.Errorf("%d items came back of %d", len(got), len(want))
	}
}

// What is printed of a subject and imported is all that was held of that subject, exactly
// as it was, and nothing of others.
func TestSubjectComesBack(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	const transactions = 10_000
	subjects(t, kit, transactions)
	before := kit.Dump(t, kit.All()...)

	r := call(t, "", "subject", "customer", "shop", "4711")
	r.is(t, 0, "printed of this customer in stack customercare, AWS eu-west-1: 1 customer, 10000 transactions\n")
	if !strings.Contains(r.errs, "no line in the stack's audit; CloudTrail has who made it") ||
		metrictest.Names(r.errs, "4711") || strings.Count(r.out, "\n") != transactions+1 {
		t.Error(r.errs)
	}
	if r := call(t, "4711\n", "subject", "customer", "shop", "-"); strings.Count(r.out, "\n") != transactions+1 {
		t.Errorf("from standard input: %v", r)
	}
	loaded := again(t, r.out, 0)
	same(t, kit, kit.Customers.Table, `{"Value":"shop#4711"}`, loaded, loaded.Customers.Table)
	if n := len(loaded.Dump(t, loaded.All()...)); n != transactions+1 {
		t.Errorf("%d items are loaded", n)
	}

	r = call(t, "", "subject", "number", "acme", "111")
	r.is(t, 0, ": 4 contacts\n")
	for _, id := range []string{"c1", "c2", "c3", "c6"} {
		if strings.Count(r.out, `"contactId":"`+id+`"`) != 1 {
			t.Errorf("%s is not printed once: %s", id, r.out)
		}
	}
	loaded = again(t, r.out, 0)
	same(t, kit, kit.Contacts.Table, `{"Value":"acme#111"}`, loaded, loaded.Contacts.Table)

	r = call(t, "", "subject", "user", "u1")
	r.is(t, 0, ": 1 user\n")
	loaded = again(t, r.out, 0)
	same(t, kit, kit.Users.Table, `{"Value":"u1"}`, loaded, loaded.Users.Table)
	if !slices.Equal(before, kit.Dump(t, kit.All()...)) {
		t.Error("a reading has written")
	}
}

// What the format cannot hold is printed as it is stored, named by its digest, and not
// loaded by the import; nothing is withheld.
func TestSubjectOfForeignItems(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	subjects(t, kit, 1)
	text := attribute.Text
	kit.Put(t, kit.Customers.Table,
		attribute.Item{"customer": text("shop#4711"), "record": text("aaa"), "note": text("a note"), "all": attribute.List(
			&types.AttributeValueMemberSS{Value: []string{"s1"}}, &types.AttributeValueMemberNS{Value: []string{"7"}},
			&types.AttributeValueMemberBS{Value: [][]byte{{1}}}, &types.AttributeValueMemberBOOL{Value: true},
			&types.AttributeValueMemberNULL{Value: true}, attribute.Map(attribute.Item{"n": attribute.Digits("1.5")}))},
		attribute.Item{"customer": text("shop#4711"), "record": text("txn#c#t"), "scan": &types.AttributeValueMemberB{Value: []byte("x")}},
		attribute.Item{"customer": text("shop#tomb"), "record": text("customer"), "tombstone": text("another program's")})
	kit.Put(t, kit.Contacts.Table, attribute.Item{
		"party": text("acme#111"), "contact": text(store.ContactKey(fixture.At, "odd")), "parties": attribute.Digits("111"),
	})
	allow := attribute.Item{"expires": attribute.Number(1), "grantedBy": text("csr"), "grantedAt": attribute.Number(1)}
	kit.Put(t, kit.Users.Table,
		attribute.Item{"customerId": text("u2"), "devices": attribute.Map(nil), "tempAllows": attribute.Map(attribute.Item{"1": attribute.Map(allow)})},
		attribute.Item{"customerId": text("u3"), "devices": text("no map"), "tempAllows": &types.AttributeValueMemberB{Value: []byte("x")}})
	digests := digest.Digester{Current: "2", Keys: map[string][]byte{"2": []byte(secondKey)}}
	for _, c := range []struct {
		args  []string
		code  int // of the import: 3 where a line is refused
		named string
		has   []string
	}{
		{[]string{"customer", "shop", "4711"}, 3, digests.Subject("customer", "shop", "4711"), []string{
			`{"item":{"all":{"L":[{"SS":["s1"]},{"NS":["7"]},{"BS":["AQ=="]},{"BOOL":true},{"NULL":true},{"M":{"n":{"N":"1.5"}}}]},` +
				`"customer":{"S":"shop#4711"},"note":{"S":"a note"},"record":{"S":"aaa"}},"kind":"item","table":"Customers"}`,
			`"scan":{"B":"eA=="}`, `"kind":"transaction"`, `"kind":"customer"`,
		}},
		{[]string{"customer", "shop", "tomb"}, 3, digests.Subject("customer", "shop", "tomb"), []string{"another program's"}},
		{[]string{"number", "acme", "111"}, 3, digests.Subject("number", "acme", "111"),
			[]string{`"parties":{"N":"111"}`, `"table":"Contacts"`, `"contactId":"c6"`}},
		{[]string{"user", "u3"}, 3, digests.Of(digest.Message("user", "u3")), []string{`"devices":{"S":"no map"}`, `"tempAllows":{"B":"eA=="}`}},
		{[]string{"user", "u2"}, 3, "", []string{
			`{"customerId":"u2","devices":{},"kind":"user"}`,
			`{"customerId":"u2","kind":"temporaryAllows","tempAllows":{"1":{"expires":1,"grantedAt":1,"grantedBy":"csr"}}}`,
		}},
	} {
		r := call(t, "", append([]string{"subject"}, c.args...)...)
		want := map[bool]int{true: 3, false: 0}[c.named != ""]
		if r.code != want || !strings.Contains(r.errs, c.named) || strings.Contains(r.errs, c.args[len(c.args)-1]+":") {
			t.Errorf("%v: %v", c.args, r)
		}
		for _, part := range c.has {
			if !strings.Contains(r.out, part) {
				t.Errorf("%v: no %s in %s", c.args, part, r.out)
			}
		}
		again(t, r.out, c.code)
	}
}

// Of a subject who is unknown or erased nothing is printed, and why is told.
func TestSubjectUnknownOrErased(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	subjects(t, kit, 3)
	kit.Put(t, kit.Customers.Table, attribute.Item{"customer": attribute.Text("shop#4711"), "record": attribute.Text("customer"),
		"tombstone": attribute.Text(store.CustomerJob("1.0")), "at": attribute.Number(1)})
	for args, says := range map[string]string{
		"customer shop 4711":   "the customer is being erased, in stack customercare",
		"customer shop nobody": "nothing is held of this customer in stack customercare",
		"number acme 999":      "nothing is held of this number", "user nobody": "nothing is held of this user",
	} {
		if r := call(t, "", strings.Fields("subject "+args)...); r.code != 0 || r.out != "" || !strings.Contains(r.errs, says) {
			t.Errorf("%s: %v", args, r)
		}
	}
	call(t, "", "subject", "user").is(t, 2, "ID is missing")
	call(t, strings.Repeat("x", 129), "subject", "number", "acme", "-").is(t, 1, "must have 1 to 128 bytes")
	call(t, strings.Repeat("x", 257), "subject", "user", "-").is(t, 1, "must have 1 to 256 bytes")
	call(t, "", "subject", "user", "a\x01").is(t, 1, "must have 1 to 256 bytes of valid text")
}

// between stands between the command and DynamoDB: at the nth query, from 1, it calls do,
// which says whether the query is let through.
func between(t *testing.T, at int32, do func(http.ResponseWriter, *http.Request) bool) {
	t.Helper()
	to, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	var queries atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") && queries.Add(1) == at && !do(w, r) {
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_DYNAMODB", server.URL)
}

// A customer who is erased while the reading is under way is no success.
func TestSubjectIsErasedMeanwhile(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	subjects(t, kit, 1500)
	between(t, 3, func(http.ResponseWriter, *http.Request) bool {
		kit.Put(t, kit.Customers.Table, attribute.Item{"customer": attribute.Text("shop#4711"), "record": attribute.Text("customer"),
			"tombstone": attribute.Text(store.CustomerJob("1.0")), "at": attribute.Number(1)})
		return true
	})
	call(t, "", "subject", "customer", "shop", "4711").is(t, 1, "was erased while it was printed: delete what was printed")
}

// A page that DynamoDB refuses is an error in our words, and what was printed are whole
// lines.
func TestSubjectWithoutItsSecondPage(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	subjects(t, kit, 1500)
	between(t, 2, func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"shop#4711"}`)
		return false
	})
	r := call(t, "", "subject", "customer", "shop", "4711")
	r.is(t, 1, "is closed to these credentials (AccessDeniedException)")
	if strings.Count(r.out, "\n") != 500 || !strings.HasSuffix(r.out, "}\n") || metrictest.Names(r.errs, "4711") {
		t.Errorf("%d lines, %s", strings.Count(r.out, "\n"), r.errs)
	}
}

// SIGTERM ends a reading that waits for a page.
func TestSIGTERMEndsAReading(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	subjects(t, kit, 600)
	waits := make(chan struct{})
	between(t, 2, func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see the caller go
		close(waits)
		<-r.Context().Done()
		return false
	})
	cmd := exec.CommandContext(t.Context(), binary, "subject", "customer", "shop", "4711")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-waits
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}.is(t, 130, "customercare: interrupted\n")
}

// Memory does not grow with the subject: 80 MB are printed in little more memory than a
// few lines.
func TestSubjectInBoundedMemory(t *testing.T) {
	kit := dynamotest.Open(t)
	keysSecret(t, kit, bothKeys, "2")
	const transactions, size = 10_000, 8 << 10
	large := func(yield func(fixture.Record) bool) {
		for r := range fixture.Transactions("shop", "large", transactions) {
			if !yield(r.With("note", strings.Repeat("x", size))) {
				return
			}
		}
	}
	if err := fixture.Fill(t.Context(), kit.Plain, kit.Customers.Table, large); err != nil {
		t.Fatal(err)
	}
	subjects(t, kit, 1)
	most := map[string]int64{}
	for _, code := range []string{"4711", "large"} {
		var printed counter
		cmd := exec.CommandContext(context.Background(), binary, "subject", "customer", "shop", code)
		cmd.Stdout = &printed
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		if code == "large" && printed < transactions*size {
			t.Errorf("%d bytes are printed", printed)
		}
		most[code] = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	}
	if more := most["large"] - most["4711"]; more > 40<<20 {
		t.Errorf("%d MB more memory (%v)", more>>20, most)
	}
}

// counter counts what is written to it.
type counter int

func (c *counter) Write(text []byte) (int, error) {
	*c += counter(len(text))
	return len(text), nil
}
