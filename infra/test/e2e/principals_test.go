package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/infra/local/stack"
	"customercare/shared/operation"
)

// Who may call, for how long, what, and what becomes of somebody who guesses.

// An operator calls what they may and is told 403 by the rest, in the format asked for;
// nothing is changed.
func TestOperatorsScopes(t *testing.T) {
	t.Parallel()
	load(t,
		scoped("csr-setter", operation.SetTemporaryAllow), scoped("csr-deleter", operation.DeleteCustomerInfo))
	loadUsers(t, "u-scopes")
	setter, deleter := basic("csr-setter", "password of csr-setter"), basic("csr-deleter", "password of csr-deleter")
	const sentence = "This operation is not allowed to the caller"
	for _, base := range bases {
		path := at(base, "u-scopes")
		before := fmt.Sprint(userItem(t, "u-scopes"))
		for range 2 { // from the authorizer, then from its cache
			send(t, "DELETE", path+"?unregisterDevices=true", "", setter).is(t, 403,
				`{"responseCode":"403","responseMessage":"`+sentence+`","status":false}`)
			send(t, "PUT", path, xmlRequest("1", ""), deleter, bodyXML).is(t, 403, client.XMLHead+
				`<StatusResponse><responseCode>403</responseCode><responseMessage>`+sentence+`</responseMessage><status>false</status></StatusResponse>`)
		}
		if after := fmt.Sprint(userItem(t, "u-scopes")); after != before {
			t.Errorf("changed: %s\nbefore: %s", after, before)
		}
		send(t, "PUT", path, `{"tempAllowType":1}`, setter).done(t, "json")
		send(t, "DELETE", path+"?cancelAllTemporaryAllows=true", "", deleter).done(t, "json")
	}
}

// Both secrets let in while one is being changed; who is disabled, past their time or
// without the operation is answered like a stranger.
func TestPrincipalsComeAndGo(t *testing.T) {
	t.Parallel()
	const account, tenant = "p-account", "p-tenant"
	past := time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
	ahead := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	addCustomers(t, account, 1, "p-code")
	loadUsers(t, "p-user")
	for _, c := range []struct {
		what, secrets, more string
		in                  bool
	}{
		{"two", `["p-first-secret-1","p-other-secret-1"]`, ``, true},
		{"ahead", `["p-other-secret-1"]`, `,"validUntil":"` + ahead + `"`, true},
		{"on", `"p-other-secret-1"`, `,"disabled":false`, true},
		{"past", `"p-other-secret-1"`, `,"validUntil":"` + past + `"`, false},
		{"off", `"p-other-secret-1"`, `,"disabled":true`, false},
		{"changed", `"p-first-secret-1"`, ``, false},
	} {
		load(t,
			`{"kind":"operator","name":"p-operator-`+c.what+`","password":`+c.secrets+c.more+`}`,
			`{"kind":"apiUser","name":"p-user-`+c.what+`","key":`+c.secrets+`,"accounts":["`+account+`"]`+c.more+`}`,
			`{"kind":"app","name":"p-app-`+c.what+`","secret":`+c.secrets+`,"tenantId":"`+tenant+`"`+c.more+`}`)
		r := send(t, "DELETE", at(bases[0], "p-user")+"?unregisterDevices=true", "",
			basic("p-operator-"+c.what, "p-other-secret-1"))
		if want := unauthorizedJSON; !c.in && (r.Status != 401 || r.Body != want) || c.in && r.Status != 200 {
			t.Errorf("operator %s: %d %s", c.what, r.Status, r.Body)
		}
		form := formOf(account, "p-nobody", "user_id", "p-user-"+c.what, "user_password", "p-other-secret-1")
		r = send(t, "POST", "/", form, urlencoded)
		if let := strings.Contains(r.Body, unknownCode); let != c.in || !c.in &&
			!strings.Contains(r.Body, "user_id, user_password or account_id is wrong") {
			t.Errorf("API user %s: %s", c.what, r.Body)
		}
		r = send(t, "POST", tokenPath, `{"app_key":"p-app-`+c.what+`","app_secret":"p-other-secret-1"}`)
		if c.in != (r.Status == 200) || !c.in &&
			r.Body != `{"retCode":"401","retMsg":"app_key or app_secret is wrong"}` {
			t.Errorf("app %s: %d %s", c.what, r.Status, r.Body)
		}
	}
}

// A token is refused from the moment on in which its app is disabled.
func TestTokensEndWithTheirApp(t *testing.T) {
	t.Parallel()
	bearer := app(t, "p-revoked", "p-revoked-tenant")
	clean(t, bearer, "p-number").verified(t)
	load(t, `{"kind":"app","name":"p-revoked","secret":"secret of p-revoked","tenantId":"p-revoked-tenant","disabled":true}`)
	clean(t, bearer, "p-number").is(t, 401, notLetIn)
}

// lock is how long the first lasts there: no test takes that long.
const lock = 30 * time.Minute

// soonAgain tells whether an answer says when to try again: before the lock is over.
func soonAgain(h http.Header) bool {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	return err == nil && seconds >= 1 && seconds <= int(lock/time.Second)
}

// startForGuessing is a stack of its own with the template's limits, and long locks; and
// what it alone logs.
func startForGuessing(t *testing.T) (*stack.Stack, *transcript) {
	t.Helper()
	return startForGuessingWith(t, map[string]string{"GuessWindow": "150m", "ThrottleBurst": "5000"})
}

// startForGuessingWith is startForGuessing with parameters of the template.
func startForGuessingWith(t *testing.T, parameters map[string]string) (*stack.Stack, *transcript) {
	t.Helper()
	log := &transcript{}
	s := startUnscheduled(t, "guess", func(o *stack.Options) {
		o.Parameters = parameters
		o.Log = io.MultiWriter(logs, log)
	})
	loadInto(t, s,
		`{"kind":"user","customerId":"guess-user"}`,
		`{"kind":"operator","name":"guess-operator","password":"guess-password-1"}`,
		`{"kind":"operator","name":"guess-colleague","password":"guess-password-1"}`,
		`{"kind":"apiUser","name":"guess-api-user","key":"guess-key-0123456789","accounts":["guess-account"]}`,
		`{"kind":"app","name":"guess-app","secret":"guess-secret-0123456789","tenantId":"guess-tenant"}`)
	return s, log
}

var ofOperation = regexp.MustCompile(`"Operation":"[^"]*"`)

// After ten wrong secrets the right one is refused too, in each operation's own words,
// and without a hash or a write; with the lock's end it lets in again. What the
// authorizer had let in before stays let in as long as API Gateway keeps it.
func TestGuessingIsLockedOut(t *testing.T) {
	t.Parallel()
	s, log := startForGuessing(t)
	path := s.URL + "/customercare/v1/guess-user/provision?reset=true"
	ask := func(method, address, body string, headers ...string) (int, string, http.Header) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		// claims to be somebody else each time
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", time.Now().UnixNano()%250))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer.StatusCode, string(text), answer.Header
	}
	operator := func(name, password string) (int, string) {
		status, body, _ := ask("DELETE", path, "", basic(name, password))
		return status, body
	}
	user := func(key string) (int, string, http.Header) {
		return ask("POST", s.URL+"/api.php", formOf("guess-account", "guess-nobody", "user_id", "guess-api-user",
			"user_password", key), urlencoded)
	}
	application := func(secret string) (int, string, http.Header) {
		return ask("POST", s.URL+tokenPath, `{"app_key":"guess-app","app_secret":"`+secret+`"}`, bodyJSON)
	}
	if status, body := operator("guess-colleague", "guess-password-1"); status != 200 {
		t.Fatal(status, body)
	}
	for i := range 10 {
		wrong := fmt.Sprint("wrong ", i)
		if status, body := operator("guess-operator", wrong); status != 401 || body != unauthorizedJSON {
			t.Fatal(status, body)
		}
		if status, body, _ := user(wrong); status != 200 ||
			!strings.Contains(body, "user_id, user_password or account_id is wrong") {
			t.Fatal(status, body)
		}
		if status, body, _ := application(wrong); status != 401 {
			t.Fatal(status, body)
		}
	}
	if status, body := operator("guess-operator", "guess-password-1"); status != 401 || body != unauthorizedJSON {
		t.Error(status, body)
	}
	status, body, header := user("guess-key-0123456789")
	if status != 429 || body != client.XMLHead+`<response status="error"><error>Too many failed attempts, try again later</error></response>` || !soonAgain(header) {
		t.Error(status, body, header)
	}
	status, body, header = application("guess-secret-0123456789")
	if status != 429 || body != `{"retCode":"429","retMsg":"Too many failed attempts, try again later"}` ||
		!soonAgain(header) {
		t.Error(status, body, header)
	}
	if status, body := operator("guess-colleague", "guess-password-1"); status != 200 {
		t.Errorf("a colleague at the same address: %d %s", status, body)
	}
	endOfLocks(t, s.Table("Principals"), lock)
	if status, body := operator("guess-operator", "guess-password-1"); status != 200 {
		t.Errorf("after the lock: %d %s", status, body)
	}
	if status, body, _ := user("guess-key-0123456789"); status != 200 || !strings.Contains(body, unknownCode) {
		t.Errorf("after the lock: %d %s", status, body)
	}
	if status, body, _ := application("guess-secret-0123456789"); status != 200 {
		t.Errorf("after the lock: %d %s", status, body)
	}
	// One refusal at each door, and a metric of each.
	want := map[string]int{}
	for _, name := range []string{"authorize-operator", operation.DeleteCustomer.Name, operation.IssueToken.Name} {
		want[`"Operation":"`+name+`"`] = 1
	}
	eventually(t, fmt.Sprintf("metrics tell of %v", want), func() bool { // lines may come after the answers
		told := map[string]int{}
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, `"CallersLockedOut":1`) {
				told[ofOperation.FindString(line)]++
			}
		}
		return maps.Equal(told, want)
	})
}
