package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/shared/operation"
)

// What an outsider would try, and an insider with somebody else's data in mind: each row
// is refused in the operation's shape, never with a 5xx, and no byte of any table
// changes. What else they would try has tests of its own:
//
//	forged authorizer context, two Authorization headers
//	        TestOperatorAuthorizationIsKept, TestAppAuthorization
//	a token as Basic, Basic as Bearer, wrong secrets
//	        TestOperatorAuthorization, TestAppAuthorization, TestTokenRefused
//	guessing, and X-Forwarded-For against the lock
//	        TestGuessingIsLockedOut
//	expired tokens, tokens of disabled apps
//	        TestTokenExpires, TestTokensEndWithTheirApp
//	another tenant's numbers
//	        TestCleanKeepsTenantsApart
//	another account's code, header and form key in conflict
//	        TestCustomerRefusals, TestCustomerAnswers
//	the key in the address
//	        TestCustomerKeyInTheAddress
//	ids of any bytes, encoded slashes and dots in them
//	        TestCustomerID
//	methods and paths nobody offers
//	        TestProvisionRoutes, TestAppRoutes
//	duplicate keys, deep nesting, external entities
//	        TestBadInputToSetTemporaryAllow, TestBadInputToTheAppRoutes
//	one parameter twice
//	        TestDeleteInfoQuery, TestCustomerRefusals
//	names told apart by a refusal's words
//	        TestOperatorAuthorization, TestCustomerRefusals, TestTokenRefused,
//	        TestPrincipalsComeAndGo
//	names told apart by the time a refusal takes
//	        TestUnknownOperatorTakesAsLong
//	replay
//	        TestDeletedCustomerIsGoneEverywhere, TestCleanRepeated,
//	        TestDeleteInfoTakesExactlyWhatItSays
//	bodies beyond every limit
//	        TestProvisionBodyLimit, TestCleanBounds, TestTokenBodyLimit,
//	        TestCustomerRefusals
//	every answer's security headers
//	        send, of all tests
//
// Broken on purpose, and what caught each:
//
//	operations asked without a look at the caller's rights
//	        "no right to it", "the method overridden"
//	the first of two Content-Types taken
//	        "two types" (the customer deleted)
//	JSONP that begins with the callback
//	        "a Flash file"
//	no Strict-Transport-Security
//	        every row

// attack is a request as it goes over the wire, and the answer's status; 0 means that the
// connection is closed without one.
type attack struct {
	what, request string
	status        int
	words         string // that the answer's body holds
}

// ofRefusals are the shapes of everything that may be said to an attacker.
var ofRefusals = []*regexp.Regexp{
	refusedJSON, refusedXML, failure,
	regexp.MustCompile(`^\{"responseCode":"(4\d\d)","responseMessage":"[^"]+","status":false,"retCode":"4\d\d","retMsg":"[^"]+"\}$`),
	regexp.MustCompile(`^` + regexp.QuoteMeta(client.XMLHead) +
		`<response status="error"><error>[^<>]+</error></response>$`),
	regexp.MustCompile(`^\{\s*"status":\s*"error",\s*"error":\s*"[^"<>]+"\s*\}$`),
	regexp.MustCompile(`^/\*\*/[A-Za-z_$][A-Za-z0-9_$.]{0,127}\(\{"status":"error","error":"[^"<>]+"\}\);$`),
	regexp.MustCompile(`^\{"message":"HTTP header is larger than 10240 bytes"\}$`), // API Gateway's front
}

// wire sends text over a connection of its own and reads until the other side closes it.
func wire(t testing.TB, text string) string {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(running.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(generous))
	go func() { _, _ = conn.Write([]byte(text)) }()
	var answer bytes.Buffer
	_, _ = answer.ReadFrom(conn)
	return answer.String()
}

// over is a request as text; headers are whole lines.
func over(method, target, body string, headers ...string) string {
	head := method + " " + target + " HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n"
	for _, h := range headers {
		head += h + "\r\n"
	}
	if body != "" {
		head += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return head + "\r\n" + body
}

// attacks are what the attackers know, and all that they try.
type attacks struct {
	csr, setter, bearer, victim string // headers: two operators, an app, another tenant's app
	path, query                 string // of a right call of operation 1
	rows                        []attack
}

// row adds an attack.
func (a *attacks) row(status int, words, what, request string) {
	a.rows = append(a.rows, attack{what, request, status, words})
}

// attackForm is the form of operation 3 that would delete the customer.
func attackForm(changes ...string) string { return formOf("attack", "attack-code", changes...) }

func TestAttackList(t *testing.T) {
	a := &attacks{csr: operator(t, "csr-attack"), path: at(bases[0], "u-attack"), query: "?reset=true"}
	load(t, scoped("csr-attack-setter", operation.SetTemporaryAllow))
	a.setter = basic("csr-attack-setter", "password of csr-attack-setter")
	a.bearer, a.victim = app(t, "app-attack", "tenant-attack"), app(t, "app-victim", "tenant-victim")
	loadUsers(t, "u-attack")
	openAccount(t, "attack", 2, "attack-code")
	loadContacts(t, "tenant-attack", contact{"c", "attack-a", "attack-b", "kept"})
	loadContacts(t, "tenant-victim", contact{"c", "victim-a", "attack-a", "kept"})
	// Its credentials are let in from here on.
	send(t, "DELETE", a.path+"?cancelAllTemporaryAllows=true", "", a.csr).done(t, "json")
	unchanged(t)
	for _, add := range []func(){
		a.forgedHeaders, a.foreignCredentials, a.forgedTokens, a.framing, a.verbs, a.paths,
		a.parameters, a.json, a.xml, a.forms, a.callbacks, a.lineEnds,
	} {
		add()
	}
	for _, row := range a.rows {
		row.try(t)
	}
	// And who may, still may.
	nobody := at(bases[0], "u-attack-nobody") + a.query
	send(t, "DELETE", nobody, "", a.csr).refused(t, 404, "json", "Customer ID not found")
}

// mostCalls is how many calls to DynamoDB an attack brings about at most: an
// authorizer's, and those of an operation that looks at what it is asked for.
const mostCalls = 4

// try makes the attack, and looks at all that came back.
func (a attack) try(t *testing.T) {
	t.Helper()
	var text string
	made := strings.Fields(strings.Join(invocations(t, func() { text = wire(t, a.request) }), " "))
	if len(made) > mostCalls {
		t.Errorf("%s: the answer took the calls %s to DynamoDB", a.what, made)
	}
	head, body, whole := strings.Cut(text, "\r\n\r\n")
	first, fields, _ := strings.Cut(head, "\r\n")
	if !whole || strings.Count(text, "HTTP/1.1 ") != 1 ||
		!strings.HasPrefix(first, fmt.Sprintf("HTTP/1.1 %d ", a.status)) || !strings.Contains(body, a.words) {
		t.Errorf("%s: %.600q, want one answer with %d and %q", a.what, text, a.status, a.words)
		return
	}
	shaped := body == "" && strings.HasPrefix(a.request, "HEAD ") || body != "" && matchesAny(body)
	if !shaped {
		t.Errorf("%s: an answer in no shape of ours: %q", a.what, body)
	}
	r := reply{client.Answer{Status: a.status, Body: body}}
	tellsNothing(t, r)
	names := map[string]bool{}
	for line := range strings.SplitSeq(fields, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		names[textproto.CanonicalMIMEHeaderKey(name)] = true
		if told := regexp.MustCompile(`(?i)^(access-control-.*|server|x-powered-by|via|set-cookie|location|x-injected|x-golambda.*|x-aws.*)$`); told.MatchString(name) {
			t.Errorf("%s: the answer has %q", a.what, line)
		}
	}
	if strings.ContainsAny(strings.ReplaceAll(head, "\r\n", ""), "\r\n\x00") {
		t.Errorf("%s: a line end within a header: %q", a.what, head)
	}
	for _, name := range []string{"Cache-Control", "X-Content-Type-Options", "Strict-Transport-Security"} {
		if a.status != 431 && !names[name] { // 431 comes from API Gateway's front, which has no setting for it
			t.Errorf("%s: no %s in %q", a.what, name, head)
		}
	}
}

// matchesAny says whether a body is a refusal in one of our shapes.
func matchesAny(body string) bool {
	for _, shape := range ofRefusals {
		if shape.MatchString(body) {
			return true
		}
	}
	return false
}
