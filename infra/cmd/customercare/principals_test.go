package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"customercare/infra/attribute"
	"customercare/infra/principals"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
	"customercare/shared/principal"
)

// local makes the kit's tables those of the local stack.
func local(t *testing.T, kit *dynamotest.Kit) {
	t.Helper()
	for name, value := range map[string]string{
		"STACK": "", "USERS_TABLE": kit.Users.Table, "CUSTOMERS_TABLE": kit.Customers.Table,
		"CONTACTS_TABLE":   kit.Contacts.Table,
		"PRINCIPALS_TABLE": kit.Principals.Table, "ERASURES_TABLE": kit.Erasures.Table,
		"LOG_TABLE": logTable(kit), "HOLDS_TABLE": kit.Holds.Table, "RULES_TABLE": kit.Rules.Table,
	} {
		t.Setenv(name, value)
	}
}

// directory lets callers in as the functions do.
func directory(kit *dynamotest.Kit) principal.Directory {
	return principal.Directory{Principals: kit.Principals, Now: time.Now}
}

// is fails the test unless the call ended with the code and has said that.
func (r result) is(t *testing.T, code int, errs string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.errs, errs) {
		t.Errorf("%v\nwant exit %d, %q", r, code, errs)
	}
}

// operators are the operations of an operator.
var operators = operation.DeleteCustomerInfo.Name + ", " + operation.SetTemporaryAllow.Name + ", " +
	operation.ReadProvision.Name + ", " + operation.UseTemporaryAllow.Name + ", " +
	operation.ReadErasures.Name + ", " + operation.PreviewErasures.Name + ", " + operation.HoldErasures.Name

const (
	password = "a password of the tests"
	another  = "another password of them"
)

// An operator's password is read from standard input; while it is rotated, both let in.
func TestOperatorsComeAndGo(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	in := func(secret string) bool {
		operations, err := directory(kit).Operator(t.Context(), "", "csr", secret)
		return err == nil && strings.Join(operations, " ") == operation.SetTemporaryAllow.Name
	}
	add := []string{
		"principals", "add", "operator", "csr",
		"--operation", operation.SetTemporaryAllow.Name, "--valid-until", "2999-01-02T03:04:05Z",
	}
	call(t, password+"\n", add...).is(t, 0, "operator csr of http://")
	if !in(password) || in(password+"\n") {
		t.Error("the password does not let in as it was given")
	}
	call(t, another, add...).is(t, 1, "there is such a principal already")
	call(t, "", "principals", "rotate", "operator", "csr", "--finish").is(t, 1, "one secret lets in")
	call(t, password, "principals", "rotate", "operator", "csr").
		is(t, 1, "the new secret is the one that lets in already")
	call(t, another, "principals", "rotate", "operator", "csr").is(t, 0, "beside the old one")
	if !in(password) || !in(another) {
		t.Error("while a password is rotated, both let in")
	}
	call(t, "a third password of them", "principals", "rotate", "operator", "csr").
		is(t, 1, "two secrets let in already")
	call(t, "", "principals", "rotate", "operator", "csr", "--finish").
		is(t, 0, "the old password lets nobody in any more")
	if in(password) || !in(another) {
		t.Error("the old password, and it alone, must let nobody in any more")
	}
	call(t, "", "principals", "disable", "operator", "csr").
		is(t, 0, "is disabled; API Gateway may let it in for 5 minutes more")
	if in(another) {
		t.Error("a disabled operator is let in")
	}
	call(t, "", "principals", "enable", "operator", "csr").is(t, 0, "is enabled")
	if !in(another) {
		t.Error("an operator who is enabled again is not let in")
	}
	call(t, "", "principals", "remove", "operator", "csr").is(t, 2, "say --yes")
	call(t, "", "principals", "remove", "operator", "csr", "--yes").
		is(t, 0, "is removed; API Gateway may let it in for 5 minutes more")
	if in(another) || len(kit.Dump(t, kit.Principals.Table)) > 0 {
		t.Error("a removed operator is left")
	}
	for _, verb := range []string{"show", "disable", "enable", "rotate", "remove --yes", "rotate --finish"} {
		args := append([]string{"principals"}, strings.Fields(verb)...)
		call(t, another, append(args, "operator", "csr")...).is(t, 1, "there is no such principal")
	}
}

// A secret that is generated is printed once, alone, and lets in.
func TestGeneratedSecrets(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	generated := regexp.MustCompile(`^[a-z2-7]{32}\n$`)
	r := call(t, "", "principals", "add", "api-user", "john", "--account", "shop,1", "--account", "club", "--generate")
	r.is(t, 0, "apiUser john of http://")
	if !generated.MatchString(r.out) || strings.Contains(r.errs, strings.TrimSpace(r.out)) {
		t.Error(r)
	}
	for _, account := range []string{"shop,1", "club"} {
		if err := directory(kit).APIUser(t.Context(), "", "john", strings.TrimSpace(r.out), account); err != nil {
			t.Error(err)
		}
	}
	r = call(t, "", "principals", "add", "app", "portal", "--tenant", "acme", "--generate", "--json")
	var printed struct{ Kind, Name, Secret string }
	if err := json.Unmarshal([]byte(r.out), &printed); err != nil || printed.Kind != operation.App ||
		printed.Name != "portal" {
		t.Fatal(r)
	}
	if tenant, err := directory(kit).App(t.Context(), "", "portal", printed.Secret); err != nil || tenant != "acme" {
		t.Errorf("%s, %v", tenant, err)
	}
	again := call(t, "", "principals", "rotate", "app", "portal", "--generate")
	if again.code != 0 || strings.TrimSpace(again.out) == printed.Secret || !generated.MatchString(again.out) {
		t.Error(again)
	}
	// Both spellings of the kind are taken, and one is printed.
	one := call(t, "", "principals", "show", "apiUser", "john")
	if two := call(t, "", "principals", "show", "api-user", "john"); one.code != 0 || two.out != one.out ||
		strings.Contains(one.out, "api-user") {
		t.Errorf("%v\n%v", one, two)
	}
	// Where nothing else is printed, JSON names whom it has happened to.
	for _, verb := range []string{"disable", "enable", "rotate", "rotate --finish", "remove --yes"} {
		args := append([]string{"principals"}, strings.Fields(verb)...)
		r := call(t, password, append(args, "apiUser", "john", "--json")...)
		if r.code != 0 || r.out != "{\n  \"kind\": \"apiUser\",\n  \"name\": \"john\"\n}\n" {
			t.Errorf("%s: %v", verb, r)
		}
	}
	call(t, "", "principals", "add", "operator", "o", "--generate").is(t, 2, "people choose their passwords")
}

// What cannot be a principal is refused in a sentence, and nothing is stored.
func TestPrincipalsThatAreRefused(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	for _, c := range []struct {
		input string
		args  string
		code  int
		says  string
	}{
		{password, "add user u", 2, `"user" is no kind of principal`},
		{password, "add operator", 2, "NAME is missing: customercare principals add KIND NAME"},
		{password, "add operator csr --account a", 2, "no other kind has one"},
		{password, "add operator csr --tenant a", 2, "no other kind has one"},
		{password, "add api-user u", 2, "an apiUser needs --account"},
		{password, "add app a", 2, "an app needs --tenant"},
		{password, "add operator csr --valid-until tomorrow", 2, "--valid-until must be a time"},
		{password, "add operator csr --valid-until 2020-01-02T03:04:05Z", 2, "--valid-until is over"},
		{password, "add operator csr --password x", 2, "unknown flag: --password"},
		{password, "add operator csr xyzzy", 2, "there are more arguments than KIND and NAME"},
		{password, "add operator csr --operation " + operation.DeleteCustomer.Name, 1,
			"operations may only name " + operators},
		{password, "add operator a:b", 1, "name holds a colon"},
		{"sesame", "add operator csr", 1, "password has less than 15 characters; nothing is changed: call this again with another password"},
		{"sesame", "add app a --tenant t", 1, "secret has less than 15 characters"},
		{"passwordpassword", "add operator csr", 1, "password is one text again and again"},
		{"customercare2026", "add api-user u --account a", 1, "key is little more than"},
		{"", "add operator csr", 1, "standard input, which is empty"},
		{"two lines of text\nof a password\n", "add operator csr", 1, "more than one line"},
		{strings.Repeat("0123456789abcdefé", 16), "add operator csr", 1, "password must be a string of 1 to 256 bytes"},
	} {
		r := call(t, c.input, append([]string{"principals"}, strings.Fields(c.args)...)...)
		r.is(t, c.code, c.says)
		if c.input != "" && strings.Contains(r.String(), c.input) {
			t.Errorf("the secret is told: %v", r)
		}
	}
	if items := kit.Dump(t, kit.Principals.Table); len(items) > 0 {
		t.Errorf("stored: %v", items)
	}
}

// The list shows everybody who may call, when each was changed, and no hash; nobody
// else's item is taken for a principal.
func TestPrincipalsAreListed(t *testing.T) {
	kit := dynamotest.Open(t)
	local(t, kit)
	if r := call(t, "", "principals", "list"); r.out != "" || !strings.HasPrefix(r.errs, "nobody may call: ") {
		t.Error(r)
	}
	began := time.Now().Truncate(time.Second)
	lines := `{"kind":"operator","name":"csr","password":["` + password + `","` + another + `"]}
{"kind":"apiUser","name":"jo#hn","key":"1959caadac9b13dcb3","accounts":["a","b","c","d"],"disabled":true}
{"kind":"app","name":"portal","secret":"0123456789abcdef!","tenantId":"acme","validUntil":"2020-01-02T03:04:05Z"}
`
	call(t, lines, "import", "-").is(t, 0, "")
	if err := kit.Principals.PutToken(t.Context(), principal.Hash("x"), "portal", "acme",
		time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := directory(kit).Operator(t.Context(), "203.0.113.7", "csr", "wrong"); err == nil {
		t.Fatal("let in")
	}
	kit.Put(t, kit.Principals.Table, attribute.Item{ // no text moves the cursor
		"principal": attribute.Text("app#\x1b[2J"), "hashes": attribute.Texts("x"),
	})
	if text := call(t, "", "principals", "list"); !strings.Contains(text.out, "\uFFFD[2J") ||
		strings.Contains(text.out, "\x1b") {
		t.Error(text)
	}
	call(t, "", "principals", "remove", "app", "\x1b[2J", "--yes").is(t, 0, "")
	r := call(t, "", "principals", "list", "--json")
	var all []principals.Principal
	if err := json.Unmarshal([]byte(r.out), &all); err != nil || len(all) != 3 {
		t.Fatal(r)
	}
	if all[0].Kind != "operator" || all[1].Name != "jo#hn" || all[2].Tenant != "acme" || all[0].Secrets != 2 ||
		!all[1].Disabled ||
		all[0].Disabled || all[2].ValidUntil == nil || strings.Join(all[0].Operations, ", ") != operators {
		t.Errorf("%+v", all)
	}
	for _, p := range all {
		if p.Changed == nil || p.Changed.Before(began) || p.Changed.After(time.Now()) {
			t.Errorf("%s: changed %v", p.Name, p.Changed)
		}
	}
	text := call(t, "", "principals", "list")
	changed := all[0].Changed.Format("2006-01-02 15:04:05Z")
	for _, want := range []string{"LAST CHANGED", "a, b, c and 1 more", "2020-01-02 03:04:05Z", changed} {
		if !strings.Contains(text.out, want) {
			t.Errorf("no %q in\n%s", want, text.out)
		}
	}
	if out := r.out + text.out; strings.Contains(out, "argon2") ||
		strings.Contains(out, principal.Hash("1959caadac9b13dcb3")) {
		t.Errorf("a hash is told: %s", out)
	}
	call(t, "", "principals", "enable", "app", "portal").is(t, 3, "it was valid until 2020-01-02 03:04:05Z")
	// The shell completes what there is, and asks nobody for what there is not yet.
	for _, c := range []struct{ args, want string }{
		{"principals add ", "operator\napiUser\napp\n:4\n"},
		{"principals add app ", ":4\n"},
		{"principals add operator o --operation ", strings.ReplaceAll(operators, ", ", "\n") + "\n:4\n"},
		{"principals show app ", "portal\n:4\n"},
		{"principals rotate api-user ", "jo#hn\n:4\n"},
		{"principals rotate api-user jo#hn ", ":4\n"},
		{"erasures show ", ":4\n"},
		{"keys show ", ":4\n"},
		{"import ", ":0\n"},
	} {
		if r := call(t, "", append([]string{"__complete"}, strings.Split(c.args, " ")...)...); r.out != c.want {
			t.Errorf("%s: %v", c.args, r)
		}
	}
	// A load that says the same changes nothing, nor the time of the change.
	_, err := kit.Plain.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &kit.Principals.Table, Key: attribute.Item{"principal": attribute.Text("operator#csr")},
		UpdateExpression:          aws.String("SET changed = :long"),
		ExpressionAttributeValues: attribute.Item{":long": attribute.Number(time.Now().Add(-time.Hour).Unix())},
	})
	if err != nil {
		t.Fatal(err)
	}
	before := kit.Dump(t, kit.Principals.Table)
	call(t, strings.SplitAfter(lines, "\n")[0], "import", "-").is(t, 0, "")
	if after := kit.Dump(t, kit.Principals.Table); strings.Join(after, "\n") != strings.Join(before, "\n") {
		t.Errorf("%s\nwas\n%s", after, before)
	}
	if shown := call(t, "", "principals", "show", "api-user", "jo#hn"); shown.code != 0 ||
		!strings.Contains(shown.out, operation.DeleteCustomer.Name) {
		t.Error(shown)
	}
}
