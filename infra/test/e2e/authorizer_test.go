package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/stack"
	"customercare/infra/testkit/dynamotest"
)

var (
	unauthorizedJSON = `{"responseCode":"401","responseMessage":"Authorization is missing or wrong","status":false}`
	unauthorizedXML  = xmlDeclaration + `<StatusResponse><responseCode>401</responseCode><responseMessage>Authorization is missing or wrong</responseMessage><status>false</status></StatusResponse>`
)

// Operations 1 and 2 are one call to DynamoDB, their authorizer at most one, and one more
// where a guess is counted; what is refused before costs none.
func TestCallsToDynamoDB(t *testing.T) {
	csr := operator(t, "csr-calls")
	loadUsers(t, "u-calls")
	bearer := app(t, "app-calls", "tenant-calls")
	passAllWriterLifetimes(t)
	path := at(bases[0], "u-calls")
	for _, row := range []struct {
		what string
		want []string
		do   func() reply
	}{
		{"a first call", []string{"BatchGetItem", "UpdateItem"},
			func() reply { return send(t, "DELETE", path+"?reset=true", "", csr) }},
		{"DELETE again", []string{"UpdateItem"},
			func() reply { return send(t, "DELETE", path+"?reset=true", "", csr) }},
		{"PUT", []string{"UpdateItem"}, func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, csr) }},
		{"PUT again", []string{"UpdateItem"}, func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, csr) }},
		{"DELETE on the other path", []string{"UpdateItem"}, func() reply {
			return send(t, "DELETE", at(bases[1], "u-calls")+"?unregisterDevices=true", "", csr)
		}},
		{"PUT on the other path, in XML", []string{"UpdateItem"}, func() reply {
			return send(t, "PUT", at(bases[1], "u-calls"), xmlRequest("1", ""), csr, bodyXML)
		}},
		{"cancel", []string{"UpdateItem"}, func() reply {
			return send(t, "DELETE",
				path+"?cancelAllTemporaryAllows=true", "", csr)
		}},
		{"DELETE, nobody", []string{"UpdateItem"},
			func() reply { return send(t, "DELETE", at(bases[0], "u-calls-no")+"?reset=true", "", csr) }},
		{"PUT, nobody", []string{"UpdateItem"},
			func() reply { return send(t, "PUT", at(bases[0], "u-calls-no"), `{"tempAllowType":1}`, csr) }},
		{"another method", nil, func() reply { return send(t, "POST", path, "", csr) }},
		{"GET", []string{"GetItem"}, func() reply { return send(t, "GET", path, "", csr) }},
		{"GET, nobody", []string{"GetItem"}, func() reply { return send(t, "GET", at(bases[1], "u-calls-no"), "", csr) }},
		{"a use, none in force", []string{"UpdateItem"}, func() reply { return send(t, "POST", path+"/use", "", csr) }},
		{"a use, nobody", []string{"UpdateItem"},
			func() reply { return send(t, "POST", at(bases[1], "u-calls-no")+"/use", "", csr) }},
		{"a use with a body", nil, func() reply { return send(t, "POST", path+"/use", `{"tempAllowType":1}`, csr) }},
		{"a use by GET", nil, func() reply { return send(t, "GET", path+"/use", "", csr) }},
		{"a bad query", nil, func() reply { return send(t, "DELETE", path+"?reset=x", "", csr) }},
		{"a bad id", nil, func() reply { return send(t, "DELETE", at(bases[0], "\n")+"?reset=true", "", csr) }},
		{"a bad body", nil, func() reply { return send(t, "PUT", path, `{"tempAllowType":9}`, csr) }},
		{"a bad Accept", nil, func() reply {
			return send(t, "PUT", path, `{"tempAllowType":1}`, csr,
				"Accept: text/html")
		}},
		{"a bad Content-Type", nil, func() reply {
			return send(t, "PUT", path, `{"tempAllowType":1}`, csr,
				"Content-Type: text/html")
		}},
		{"a wrong password", []string{"BatchGetItem UpdateItem"},
			func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, basic("csr-calls", "x")) }},
		{"an unknown operator", []string{"BatchGetItem UpdateItem"},
			func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, basic("csr-calls-no", "x")) }},
		{"no Authorization", nil, func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`) }},
		{"another scheme", nil, func() reply { return send(t, "PUT", path, `{"tempAllowType":1}`, bearer) }},

		{"clean", []string{"BatchGetItem", "TransactWriteItems"},
			func() reply { return clean(t, bearer, "nobody-calls", "nobody-calls2") }},
		{"clean, refused", []string{"BatchGetItem"}, func() reply { return clean(t, bearer) }},
		{"clean, no token of ours", nil, func() reply { return clean(t, "Authorization: Bearer x", "nobody-calls") }},
		{"clean, an unknown token", []string{"BatchGetItem"},
			func() reply { return clean(t, "Authorization: Bearer x.YXBw", "nobody-calls") }},
		{"clean, no token", nil, func() reply { return clean(t, "X-No: token", "nobody-calls") }},
		{"token", []string{"BatchGetItem PutItem"},
			func() reply { return send(t, "POST", tokenPath, credentials("app-calls")) }},
		{"token, a wrong pair", []string{"BatchGetItem UpdateItem"},
			func() reply { return send(t, "POST", tokenPath, `{"app_key":"app-calls","app_secret":"x"}`) }},
		{"token, malformed", nil, func() reply { return send(t, "POST", tokenPath, `{"app_key":"app-calls"}`) }},
	} {
		var r reply
		if got := invocations(t, func() { r = row.do() }); !slices.Equal(got, row.want) {
			t.Errorf("%s (%d): the calls are %q, want %q", row.what, r.Status, got, row.want)
		}
	}
}

func TestOperatorAuthorization(t *testing.T) {
	csr := operator(t, "csr-basic")
	load(t,
		`{"kind":"operator","name":"csr-colon","password":"a:b::c and so on"}`,
		`{"kind":"operator","name":"csr-ünï 😀","password":"pässword with €"}`,
		`{"kind":"app","name":"csr-basic","secret":"another-0123456789abcdef","tenantId":"t"}`,
		`{"kind":"apiUser","name":"csr-basic-api","key":"another-0123456789abcdef","accounts":["a"]}`)
	bearer := app(t, "app-basic", "tenant-basic")
	loadUsers(t, "u-basic")
	path := at(bases[0], "u-basic")
	for _, header := range []string{
		csr, "Authorization: basic" + csr[len("Authorization: Basic"):],
		"authorization: BASIC" + csr[len("Authorization: Basic"):],
		"Authorization: Basic  " + csr[len("Authorization: Basic "):], basic("csr-colon", "a:b::c and so on"),
		basic("csr-ünï 😀", "pässword with €"),
	} {
		send(t, "DELETE", path+"?reset=true", "", header).done(t, "json")
	}
	unchanged(t)
	pair := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	const good = "csr-basic:password of csr-basic"
	for _, header := range []string{
		"X-No: authorization", "Authorization: ", "Authorization: Basic", "Authorization: Basic ",
		"Authorization: Basic " + good,
		"Authorization: " + pair(good), "Authorization: Bearer " + pair(good), "Authorization: Basic" + pair(good),
		bearer, "Authorization: Basic" + bearer[len("Authorization: Bearer"):],
		"Authorization: Basic " + pair("csr-basic"), "Authorization: Basic " + pair(""),
		"Authorization: Basic " + pair(":"), "Authorization: Basic !!!",
		"Authorization: Basic " + pair(good) + "=", "Authorization: Basic " + pair(good) + ", Basic " + pair(good),
		"Authorization: Digest " + pair(good),
		basic("csr-basic", ""), basic("csr-basic", "password of csr-basic "),
		basic("csr-basic", "Password of csr-basic"), basic("csr-basic", "password of csr-basi"),
		basic("csr-basic", "password of csr-basic\x00"), basic("CSR-basic", "password of csr-basic"),
		basic("csr-basic ", "password of csr-basic"), basic("csr-nobody", "x"),
		basic("", "password of csr-basic"), basic("csr-basic", "another-0123456789abcdef"),
		basic("csr-basic-api", "another-0123456789abcdef"),
		basic("csr-basic", strings.Repeat("x", 1025)), basic(strings.Repeat("n", 1000), "x"),
		basic("csr-colon", "a"), basic("csr-colon:a", "b::c "),
		"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("\xff\xfe:\xff")),
	} {
		r := send(t, "DELETE", path+"?reset=true", "", header)
		r.is(t, 401, unauthorizedJSON)
		if got := fmt.Sprint(r.Header["Www-Authenticate"]); got != `[Basic realm="customercare"]` {
			t.Errorf("WWW-Authenticate is %s", got)
		}
		if t.Failed() {
			t.Fatalf("with %q", header)
		}
	}
	for _, base := range bases {
		for _, method := range []string{"DELETE", "PUT", "GET"} {
			send(t, method, at(base, "u-basic"), "", basic("csr-basic", "x"), acceptXML).is(t, 401, unauthorizedXML)
			send(t, method, at(base, "u-basic"), "", acceptJSON).is(t, 401, unauthorizedJSON)
		}
	}
}

// The authorizer's answer is kept for the credentials that it was given for, for all of
// the operator's routes and no others; whatever else a request claims changes nothing.
func TestOperatorAuthorizationIsKept(t *testing.T) {
	csr := operator(t, "csr-kept")
	loadUsers(t, "u-kept", "u-kept/2")
	wrong := basic("csr-kept", "password of csr-kepT")
	routes := []func(header string) reply{
		func(h string) reply { return send(t, "DELETE", at(bases[0], "u-kept")+"?reset=true", "", h) },
		func(h string) reply { return send(t, "PUT", at(bases[0], "u-kept"), `{"tempAllowType":1}`, h) },
		func(h string) reply { return send(t, "DELETE", at(bases[1], "u-kept/2")+"?reset=true", "", h) },
		func(h string) reply { return send(t, "PUT", at(bases[1], "u-kept"), `{"tempAllowType":1}`, h) },
	}
	for round := range 2 {
		for i, route := range routes {
			if got := len(invocations(t, func() { route(csr).done(t, "json") })); got != 1 && (round > 0 || i > 0) {
				t.Errorf("route %d asked the authorizer again", i)
			}
			route(wrong).is(t, 401, unauthorizedJSON)
		}
	}
	// The kept answer opens no other operation.
	send(t, "POST", cleanPath, `{"customNos":["nobody-kept"]}`, csr).is(t, 401, notLetIn)

	operator(t, "csr-kept2")
	forged := `{"authorizer":{"principalId":"csr-kept2"}}`
	for _, header := range []string{
		"X-GoLambdaProxy-ApiGw-Context: " + forged, "x-golambdaproxy-apigw-context: " + forged,
		"X-GoLambdaProxy-ApiGw-StageVars: {}",
		"principalId: csr-kept2", "X-Amzn-Principal: csr-kept2", "X-Forwarded-User: csr-kept2",
	} {
		send(t, "DELETE", at(bases[0], "u-kept")+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json")
		send(t, "PUT", at(bases[0], "u-kept"), `{"tempAllowType":2}`, csr, header).done(t, "json")
		if by := allows(t, "u-kept")["2"].by; by != "csr-kept" {
			t.Errorf("%s: granted by %q", header, by)
		}
		send(t, "PUT", at(bases[0], "u-kept"), `{"tempAllowType":2}`, header).is(t, 401, unauthorizedJSON)
	}
	// Of two Authorization headers nobody knows which is meant.
	fresh, fresh2 := operator(t, "csr-kept3"), operator(t, "csr-kept4")
	for _, two := range [][]string{{fresh, fresh}, {fresh, wrong}, {wrong, fresh}, {fresh, fresh2},
		{fresh, "authorization" + fresh[len("Authorization"):]}} {
		send(t, "PUT", at(bases[0], "u-kept"), `{"tempAllowType":2}`, two...).is(t, 401, unauthorizedJSON)
	}
	send(t, "PUT", at(bases[0], "u-kept"), `{"tempAllowType":2}`, fresh).done(t, "json")
}

// A wrong name costs what a wrong password does, so that names cannot be guessed by the
// clock: one slow hash, and the same calls to DynamoDB. What is counted is the real
// function, built so that it says when it makes a slow hash.
func TestUnknownOperatorTakesAsLong(t *testing.T) {
	t.Parallel()
	log := &transcript{}
	s := startUnscheduled(t, "hashes", func(o *stack.Options) {
		o.BinDir = sayingHashes(t)
		o.Parameters = map[string]string{"GuessWindow": "150m"}
		o.Log = io.MultiWriter(logs, log)
	})
	loadInto(t, s,
		`{"kind":"operator","name":"hash-known","password":"hash-password-1"}`,
		`{"kind":"operator","name":"hash-jürgen","password":"hash-password-1"}`,
		`{"kind":"operator","name":"hash-changing","password":["hash-password-1","hash-password-2"]}`,
		`{"kind":"operator","name":"hash-off","password":"hash-password-1","disabled":true}`,
		`{"kind":"app","name":"hash-app","secret":"hash-secret-0123456789","tenantId":"hash-tenant"}`)
	made, asked := 0, 0
	hashes := func() int { // since it was last asked
		t.Helper()
		// A function's lines come by a pipe of their own, perhaps after its answer; the
		// last of a call is its metric line.
		eventually(t, "the lines of every call", func() bool {
			return strings.Count(log.String(), `"Operation":"authorize-operator"`) == asked
		})
		all := strings.Count(log.String(), hashing)
		defer func() { made = all }()
		return all - made
	}
	send := func(header string) {
		t.Helper()
		asked++
		r := sendTo(t, s.URL, "DELETE", at(bases[0], "u-hash")+"?reset=true", "", header)
		if r.Status != 401 || r.Body != unauthorizedJSON {
			t.Errorf("%s: %d %s", header, r.Status, r.Body)
		}
	}
	ask := func(name, password string) {
		t.Helper()
		send(basic(name, password))
	}
	for _, name := range []string{"hash-known", "hash-changing", "hash-off", "hash-app", "hash-nobody",
		strings.Repeat("n", 250)} {
		for i := range 2 {
			ask(name, fmt.Sprint("wrong ", i))
			if n := hashes(); n != 1 {
				t.Errorf("%.20q takes %d slow hashes", name, n)
			}
		}
	}
	for _, name := range []string{"hash-jürgen", "hash-nobödy"} { // in ISO-8859-1
		if send(latin1(name, "wröng")); hashes() != 1 {
			t.Errorf("%s in ISO-8859-1 takes another number of slow hashes than one", name)
		}
	}
	for i := range 10 {
		ask("hash-nobody", fmt.Sprint("wrong again ", i))
	}
	hashes()
	for i := range 3 { // locked out, known or not
		if ask("hash-nobody", fmt.Sprint("wrong for ever ", i)); hashes() != 0 {
			t.Error("who is locked out has a slow hash made")
		}
	}
}

// hashing is what the function says in sayingHashes.
const hashing = "a slow hash is made"

// sayingHashes are the functions as built, but for the authorizer of operators, which
// says so whenever it makes a slow hash: one line more in the function that makes them
// all.
func sayingHashes(t *testing.T) (binaries string) {
	t.Helper()
	binaries = t.TempDir()
	if err := os.CopyFS(binaries, os.DirFS(options.BinDir)); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dynamotest.Root(), "shared", "principal", "secret.go")
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	derive := regexp.MustCompile(`(?m)^func derive\(.*\{$`)
	if n := len(derive.FindAll(text, -1)); n != 1 || bytes.Count(text, []byte("argon2.IDKey(")) != 1 {
		t.Fatal("slow hashes are made elsewhere now")
	}
	changed := filepath.Join(t.TempDir(), "secret.go")
	saying := derive.ReplaceAll(text, []byte("$0\n\tprintln(`"+hashing+"`)"))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err == nil {
		err = os.WriteFile(changed, saying, 0o600)
	}
	if err == nil {
		err = os.WriteFile(changed+".json", overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(binaries, "authorize-operator", "bootstrap")
	if err := os.Remove(out); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-tags", "lambda.norpc,nethttpomithttp2", "-overlay",
		changed+".json", "-o", out, "./functions/authorize-operator")
	build.Dir = dynamotest.Root()
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	return binaries
}

func TestAppAuthorization(t *testing.T) {
	bearer := app(t, "app-bearer", "tenant-bearer")
	other := app(t, "app-bearer2", "tenant-bearer")
	csr := operator(t, "app-bearer")
	loadContacts(t, "tenant-bearer", contact{"c", "bearer-a", "bearer-b", "kept"})
	value := strings.TrimPrefix(bearer, "Authorization: Bearer ")
	for _, headers := range [][]string{
		{bearer}, {"authorization: bearer " + value}, {"Authorization: BEARER " + value},
		{bearer, "X-APP-Key: app-bearer"}, {bearer, "x-app-key: app-bearer"},
		{bearer, "X-APP-Key: app-bearer", "X-App-Key: app-bearer"},
		{bearer, "Accept: text/html"}, {bearer, "Content-Type: text/plain"},
	} {
		send(t, "POST", cleanPath, `{"customNos":["nobody-bearer"]}`, headers...).verified(t)
	}
	unchanged(t)
	for _, headers := range [][]string{
		{}, {"Authorization: "}, {"Authorization: Bearer"}, {"Authorization: Bearer "}, {"Authorization: " + value},
		{"Authorization: Basic " + value},
		{"Authorization: Bearer" + value}, {bearer + "x"}, {bearer[:len(bearer)-1]},
		{"Authorization: Bearer " + strings.ToUpper(value)},
		{csr}, {"Authorization: Bearer " + strings.TrimPrefix(csr, "Authorization: Basic ")}, {bearer, bearer},
		{bearer, other}, {csr, bearer},
		{"Authorization: Bearer app-bearer"}, {"Authorization: Bearer " + strings.Repeat("x", 4000)},
		{"X-Access-Token: " + value}, {bearer + ", " + bearer},
	} {
		r := send(t, "POST", cleanPath, `{"customNos":["bearer-a"]}`, append(headers, acceptXML)...)
		r.is(t, 401, notLetIn)
		if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="customercare"` {
			t.Errorf("WWW-Authenticate is %q", got)
		}
	}
	for _, key := range []string{"app-bearer2", "APP-bearer", "app-bearer x", "app-bearer, app-bearer"} {
		send(t, "POST", cleanPath, `{"customNos":["bearer-a"]}`, bearer, "X-APP-Key: "+key).failed(t, 401, "X-APP-Key")
	}
	send(t, "POST", cleanPath, `{"customNos":["bearer-a"]}`, bearer, "X-APP-Key: app-bearer",
		"X-APP-Key: app-bearer2").failed(t, 401, "X-APP-Key")
}
