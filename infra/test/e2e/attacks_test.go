package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
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

// What an outsider would try, and an insider with somebody else's data in mind: each row is refused in the operation's shape,
// never with a 5xx, and no byte of any table changes. What else they would try has tests of its own:
//
//	forged authorizer context, two Authorization headers    TestOperatorAuthorizationIsKept, TestAppAuthorization
//	a token as Basic, Basic as Bearer, wrong secrets        TestOperatorAuthorization, TestAppAuthorization, TestTokenRefused
//	guessing, and X-Forwarded-For against the lock          TestGuessingIsLockedOut
//	expired tokens, tokens of disabled apps                 TestTokenExpires, TestTokensEndWithTheirApp
//	another tenant's numbers                                TestCleanKeepsTenantsApart
//	another account's code, header and form key in conflict TestCustomerRefusals, TestCustomerAnswers
//	the key in the address                                  TestCustomerKeyInTheAddress
//	ids of any bytes, encoded slashes and dots in them      TestCustomerID
//	methods and paths nobody offers                         TestProvisionRoutes, TestAppRoutes
//	duplicate keys, deep nesting, external entities         TestBadInputToSetTemporaryAllow, TestBadInputToTheAppRoutes
//	one parameter twice                                     TestDeleteInfoQuery, TestCustomerRefusals
//	names told apart by a refusal's words                   TestOperatorAuthorization, TestCustomerRefusals, TestTokenRefused, TestPrincipalsComeAndGo
//	names told apart by the time a refusal takes            TestUnknownOperatorTakesAsLong
//	replay                                                  TestDeletedCustomerIsGoneEverywhere, TestCleanRepeated, TestDeleteInfoTakesExactlyWhatItSays
//	bodies beyond every limit                               TestProvisionBodyLimit, TestCleanBounds, TestTokenBodyLimit, TestCustomerRefusals
//	every answer's security headers                         send, of all tests
//
// Broken on purpose, and what caught each:
//
//	operations asked without a look at the caller's rights  "no right to it", "the method overridden"
//	the first of two Content-Types taken                    "two types" (the customer deleted)
//	JSONP that begins with the callback                     "a Flash file"
//	no Strict-Transport-Security                            every row

// attack is a request as it goes over the wire, and the answer's status; 0 means that the connection is closed
// without one.
type attack struct {
	what, request string
	status        int
	words         string // that the answer's body holds
}

// ofRefusals are the shapes of everything that may be said to an attacker.
var ofRefusals = []*regexp.Regexp{
	refusedJSON, refusedXML, failure,
	regexp.MustCompile(`^\{"responseCode":"(4\d\d)","responseMessage":"[^"]+","status":false,"retCode":"4\d\d","retMsg":"[^"]+"\}$`),
	regexp.MustCompile(`^` + regexp.QuoteMeta(client.XMLHead) + `<response status="error"><error>[^<>]+</error></response>$`),
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

func TestAttackList(t *testing.T) {
	csr := operator(t, "csr-attack")
	load(t, scoped("csr-attack-setter", operation.SetTemporaryAllow))
	setter := basic("csr-attack-setter", "password of csr-attack-setter")
	bearer, victim := app(t, "app-attack", "tenant-attack"), app(t, "app-victim", "tenant-victim")
	loadUsers(t, "u-attack")
	openAccount(t, "attack", 2, "attack-code")
	loadContacts(t, "tenant-attack", contact{"c", "attack-a", "attack-b", "kept"})
	loadContacts(t, "tenant-victim", contact{"c", "victim-a", "attack-a", "kept"})
	send(t, "DELETE", at(bases[0], "u-attack")+"?cancelAllTemporaryAllows=true", "", csr).done(t, "json") // let in from here on
	unchanged(t)

	path, query := at(bases[0], "u-attack"), "?reset=true"
	form := func(changes ...string) string { return formOf("attack", "attack-code", changes...) }
	secret := "secret-of-app-attack-0123456789abcdef"
	var rows []attack
	row := func(status int, words, what, request string) {
		rows = append(rows, attack{what, request, status, words})
	}

	// Headers that somebody in front might set, and that nobody here may believe.
	forged := `{"authorizer":{"principalId":"csr-attack","operations":"` + operation.DeleteCustomerInfo.Name + `","appKey":"app-victim","tenantId":"tenant-victim"}}`
	for _, header := range []string{
		"X-GoLambdaProxy-ApiGw-Context: " + forged, "X-GoLambdaProxy-Lambda-Context: " + forged, "X-Amzn-Request-Context: " + forged,
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /admin", "X-Forwarded-User: csr-attack",
		"Forwarded: for=127.0.0.1;host=localhost;proto=https", "X-Real-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1", "X-Original-URL: /", "X-Rewrite-URL: " + cleanPath,
		"X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "Via: 1.1 localhost", "X-Amz-Invocation-Type: Event", "X-Api-Key: csr-attack", "Cookie: session=csr-attack",
	} {
		row(401, "Authorization is missing or wrong", "unknown caller, "+header, over("DELETE", path+query, "", header))
		row(401, "missing, wrong or expired", "unknown app, "+header, over("POST", cleanPath, `{"customNos":["attack-a"]}`, header))
		row(403, "not allowed", "no right to it, "+header, over("DELETE", path+query, "", setter, header))
		row(200, wrongCaller, "a wrong key, "+header, over("POST", "/", form("user_password", "wrong"), urlencoded, header))
		row(404, "Customer ID not found", "another path, "+header, over("DELETE", at(bases[0], "u-attack-nobody")+query, "", csr, header))
	}
	// This one API Gateway itself believes: the method that it makes is the one that rights are asked for.
	row(403, "not allowed", "the method overridden", over("PUT", path+query, "", setter, "X-HTTP-Method-Override: DELETE"))
	row(401, "Authorization", "the method overridden, unknown caller", over("PUT", path+query, "", "X-HTTP-Method-Override: DELETE"))
	row(200, "type is required", "a key in the address of an overridden GET", over("GET", "/?"+form(), "", "X-HTTP-Method-Override: POST"))

	// One kind's credentials at another's door.
	row(401, "Authorization", "an app's key and secret as Basic", over("DELETE", path+query, "", basic("app-attack", secret)))
	row(401, "expired", "an app's key and secret as Basic, at its own door", over("POST", cleanPath, `{"customNos":["attack-a"]}`, basic("app-attack", secret)))
	row(401, "Authorization", "an API user's key as Basic", over("DELETE", path+query, "", basic(userOf("attack"), keyOf("attack"))))
	row(401, "Authorization", "a token as a password", over("DELETE", path+query, "", basic("csr-attack", bearer[len("Authorization: Bearer "):])))
	row(200, wrongCaller, "an operator's password as a key", over("POST", "/", form("user_id", "csr-attack", "user_password", "password of csr-attack"), urlencoded))
	row(200, wrongCaller, "a token as a key", over("POST", "/", form("user_password", "-"), urlencoded, "api_access_key: "+bearer[len("Authorization: Bearer "):]))
	row(401, "app_key or app_secret is wrong", "a token as a secret", over("POST", tokenPath, `{"app_key":"app-attack","app_secret":"`+bearer[len("Authorization: Bearer "):]+`"}`))
	row(401, "expired", "a secret as a token", over("POST", cleanPath, `{"customNos":["attack-a"]}`, "Authorization: Bearer "+secret))

	// Tokens that name somebody else.
	random, _, _ := strings.Cut(strings.TrimPrefix(bearer, "Authorization: Bearer "), ".")
	encoded := base64.RawURLEncoding.EncodeToString
	for what, token := range map[string]string{
		"another app's name": random + "." + encoded([]byte("app-victim")), "no name": random, "an empty name": random + ".", "the name in other base64": random + "." + encoded([]byte("app-attack")) + "==",
		"two names": random + "." + encoded([]byte("app-attack")) + "." + encoded([]byte("app-victim")), "no random part": "." + encoded([]byte("app-victim")),
		"unsigned": encoded([]byte(`{"alg":"none"}`)) + "." + encoded([]byte(`{"sub":"app-victim"}`)) + ".", "a name of another kind": random + "." + encoded([]byte("operator#csr-attack")),
		"a name with NUL": random + "." + encoded([]byte("app-attack\x00")), "twice": random + "." + encoded([]byte("app-attack")) + " " + random,
	} {
		row(401, "expired", "a token with "+what, over("POST", cleanPath, `{"customNos":["victim-a"]}`, "Authorization: Bearer "+token))
	}
	row(401, "X-APP-Key", "a token of one's own for another app", over("POST", cleanPath, `{"customNos":["victim-a"]}`, bearer, "X-APP-Key: app-victim"))
	row(401, "X-APP-Key", "another's token that was found, without the app's key", over("POST", cleanPath, `{"customNos":["victim-a"]}`, victim, "X-APP-Key: app-attack"))

	// Framing that two servers could read differently: what could be a second request is none.
	second := over("DELETE", path+query, "", csr)
	chunked := "0\r\n\r\n" + second
	start := "POST / HTTP/1.1\r\nHost: api.example.com\r\n" + urlencoded + "\r\n"
	for what, request := range map[string]string{
		"both framings":            start + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(chunked)) + chunked,
		"both framings, reversed":  start + fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n", len(chunked)) + chunked,
		"two lengths":              start + fmt.Sprintf("Content-Length: %d\r\ncontent-length: 0\r\n\r\n", len(second)) + second,
		"two codings":              start + "Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n\r\n" + chunked,
		"a coding in disguise":     start + "Transfer-Encoding: xchunked\r\n\r\n" + chunked,
		"a list of codings":        start + "Transfer-Encoding: identity, chunked\r\n\r\n" + chunked,
		"a space before the colon": start + "Transfer-Encoding : chunked\r\n\r\n" + chunked,
		"a folded header":          start + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunked,
		"a signed length":          start + "Content-Length: +0\r\n\r\n" + second,
		"a negative length":        start + "Content-Length: -1\r\n\r\n" + second,
		"a length in hex":          start + "Content-Length: 0x0\r\n\r\n" + second,
		"a list of lengths":        start + "Content-Length: 0, 0\r\n\r\n" + second,
		"a NUL in a header":        start + "X: a\x00b\r\n\r\n" + second,
		"no name":                  start + ": chunked\r\n\r\n" + second,
		"HTTP/2 out of the blue":   "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + second,
		"no version":               "GET /\r\n\r\n" + second,
		"two spaces":               "DELETE  " + path + query + " HTTP/1.1\r\n" + csr + "\r\n\r\n",
		"another version":          "DELETE " + path + query + " HTTP/3.0\r\n" + csr + "\r\n\r\n",
		"a space in the target":    "DELETE " + path + query + " x HTTP/1.1\r\n" + csr + "\r\n\r\n",
		"another scheme's target":  over("DELETE", "ftp://api.example.com"+path+query, "", csr),
		"a target without slash":   over("DELETE", path[1:]+query, "", csr),
		"an asterisk":              over("OPTIONS", "*", ""),
		"a tunnel":                 over("CONNECT", "169.254.169.254:80", ""),
	} {
		row(400, "could not be read", what, request)
	}
	row(401, "Authorization is missing", "an absolute target", over("DELETE", "http://api.example.com"+path+query, ""))
	row(404, "not known", "another host's target", over("DELETE", "http://169.254.169.254/latest/meta-data", ""))
	row(200, "type is required", "a request within a body", start+fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n", len(second))+second)
	row(401, "Authorization is missing", "an upgrade", over("DELETE", path+query, "", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
	row(431, "larger", "10 KB of headers", over("DELETE", path+query, "", csr, "X: "+strings.Repeat("x", 11<<10)))
	row(431, "larger", "1000 headers", over("DELETE", path+query, "", csr, strings.TrimSuffix(strings.Repeat("X: xxxxxxxxxxx\r\n", 1000), "\r\n")))
	row(200, wrongMedia, "two types", over("POST", "/", form(), urlencoded, multipart))
	row(200, wrongMedia, "two types, in other cases", over("POST", "/", form(), "CONTENT-TYPE: application/json", "content-type: application/x-www-form-urlencoded"))
	row(415, "Content-Type", "two types of operation 2", over("PUT", path, `{"tempAllowType":1}`, csr, bodyJSON, "content-type: application/xml"))

	// Verbs.
	long := strings.Repeat("DELETE", 167)
	for _, verb := range []string{"HEAD", "OPTIONS", "TRACE", "PATCH", "delete", "Put", "GET", "PROPFIND", long} {
		row(405, "", verb[:3]+" of a customer's info", over(verb, path+query, `{"tempAllowType":1}`, csr, "Origin: https://evil.example", "Access-Control-Request-Method: DELETE"))
		row(404, "", verb[:3]+" of a customer", over(verb, "/api.php?"+form(), form(), urlencoded))
		row(404, "", verb[:3]+" of numbers", over(verb, cleanPath, `{"customNos":["attack-a"]}`, bearer))
		row(404, "", verb[:3]+" of a token", over(verb, tokenPath, credentials("app-attack")))
	}
	row(405, "only DELETE and PUT", "_method in the query", over("POST", path+query+"&_method=DELETE", "", csr))
	row(405, "only DELETE and PUT", "_method in the body", over("POST", path+query, "_method=DELETE&reset=true", csr, urlencoded))

	// Paths.
	for _, target := range []string{
		"/customercare/v1/x/../u-attack/provision", "/customercare//v1/u-attack/provision", "//customercare/v1/u-attack/provision", "/./customercare/v1/u-attack/provision",
		"/%63ustomercare/v1/u-attack/provision", "/customercare%2Fv1%2Fu-attack%2Fprovision", "/customercare/v1/u-attack/provision;x=1", "/customercare;x/v1/u-attack/provision",
		"/customercare/v1/u-attack/provision%00", "/customercare/v1/u-attack/provision%2F", "/customercare/v1/u-attack/provision//", "/customercare/v1/u-attack%00/provision/x",
		"/customercare/v1/u-attack/%2e%2e/provision/x", "/customercare/v1/u-attack/Provision", `\customercare\v1\u-attack\provision`[1:], "/v1" + path, "/prod" + path, "/risk-cc/risk-cc" + path,
		"/api.php/", "/api.php/x", "/api.php%00", "/api%2ephp", "/api.phpx", "/.env", "/index.php", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..;/", "/2018-06-01/runtime/invocation/next",
	} {
		status := 404
		switch target {
		case "/api.php/":
			continue // the same route, with a slash at its end
		case `customercare\v1\u-attack\provision`:
			status = 400
		}
		row(status, "", "path "+target, over("DELETE", target+query, "", csr))
	}
	for _, id := range []string{"u-attack;x=1", "u-attack%3Freset=true", "u-attack%20", "%20u-attack", "u-attack%252F", "%75-attac%6b%2e", "..%2fu-attack", "u-attack%23", `u-attack"`, "u-attack'%20OR%20'1'='1", "*"} {
		row(404, "Customer ID not found", "customer "+id, over("DELETE", "/customercare/v1/"+id+"/provision"+query, "", csr))
	}
	row(400, "customerId", "a customer of 9 KB", over("DELETE", "/customercare/v1/"+strings.Repeat("x", 9<<10)+"/provision"+query, "", csr))
	row(404, "path", "a path of 9 KB", over("DELETE", strings.Repeat("/x", 4<<10), "", csr))
	row(431, "larger", "a path of 20 KB", over("DELETE", "/customercare/v1/"+strings.Repeat("x", 20<<10)+"/provision", "", csr))

	// Parameters where nobody looks, or not as they are meant.
	for _, q := range []string{"?reset[]=true", "?reset%00=true", "?reset.=true", "?%72eset%20=true", "?x=1%26reset=true", "?reset=false&reset[]=true", "?{reset}=true", "?" + strings.Repeat("a=1&", 2000)} {
		row(400, "One of cancelAllTemporaryAllows", "query "+q[:min(len(q), 30)], over("DELETE", path+q, "", csr))
	}
	row(400, "One of cancelAllTemporaryAllows", "parameters in the body", over("DELETE", path, "reset=true", csr, bodyJSON))
	row(400, "customNos", "numbers in the query", over("POST", cleanPath+"?customNos=attack-a", "{}", bearer))
	row(400, "app_key", "credentials in the query", over("POST", tokenPath+"?app_key=app-attack&app_secret="+secret, "{}"))
	row(200, "code is required", "a list of codes", over("POST", "/", form("code", "-")+"&code[]=attack-code&code[0]=attack-code", urlencoded))
	row(200, wrongCaller, "an account as a list", over("POST", "/", form("account_id", "attack,c-foreign"), urlencoded))

	// JSON.
	huge := strings.Repeat("9", 30000)
	for _, body := range []string{
		`{"__proto__":{"tempAllowType":1}}`, `{"constructor":{"prototype":{"tempAllowType":1}}}`, `{"tempAllowType":` + huge + `}`, `{"tempAllowType":1e9999999}`, `{"tempAllowType":-1}`,
		`{"tempAllowType":1.0000000000000000001}`, `{"tempAllowType":"1"}`, `{"tempAllowType":[1]}`, `{"tempAllowType":{"$gt":0}}`, `{"tempAllowType":2,"__proto__":{},"tempAllowType":1}`,
		`{"tempAllowType":1,"expirationDate":"` + strings.Repeat("2", 60000) + `"}`, `{"tempAllowType":1,"expirationDate":{"$date":1}}`,
	} {
		row(400, "", "JSON "+body[:min(len(body), 40)], over("PUT", path, body, csr, bodyJSON))
	}
	row(400, "customNos", "numbers of a prototype", over("POST", cleanPath, `{"__proto__":{"customNos":["attack-a"]}}`, bearer))
	row(400, "customNos", "numbers as numbers", over("POST", cleanPath, `{"customNos":[`+huge+`,1e999]}`, bearer))
	row(400, "app_key", "credentials of a prototype", over("POST", tokenPath, `{"__proto__":`+credentials("app-attack")+`}`))

	// XML.
	laughs := `<!DOCTYPE l [<!ENTITY a "ha">`
	for i := range 20 {
		laughs += fmt.Sprintf(`<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">`, 'b'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i, 'a'+i)
	}
	const kind = "<tempAllowType>1</tempAllowType>"
	for _, body := range []string{
		laughs + `]><TempAllowRequest><tempAllowType>&u;</tempAllowType></TempAllowRequest>`,
		`<!DOCTYPE l SYSTEM "http://169.254.169.254/x.dtd"><TempAllowRequest>` + kind + `</TempAllowRequest>`,
		`<!DOCTYPE l [<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;]><TempAllowRequest>` + kind + `</TempAllowRequest>`,
		`<TempAllowRequest><xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd"/>` + kind + `</TempAllowRequest>`,
		`<?xml version="1.0" encoding="UTF-7"?>+ADw-TempAllowRequest+AD4-`,
		`<TempAllowRequest>` + strings.Repeat(`<a b="c">`, 5000) + kind,
		`<TempAllowRequest ` + strings.Repeat(`a="" `, 10000) + `>` + kind + `</TempAllowRequest>`,
	} {
		row(400, "", "XML "+body[:min(len(body), 50)], over("PUT", path, body, csr, bodyXML))
	}

	// Forms. The right key would delete.
	part := func(header, value string) string { return header + "\r\n\r\n" + value }
	withoutCode := fieldsOf("attack", "attack-code", "code", "-")
	many := make([]string, 2500)
	for i := range many {
		many[i] = part(fmt.Sprintf(`Content-Disposition: form-data; name="a%d"`, i), "x")
	}
	for what, body := range map[string]string{
		"thousands of parts":        partsOf(withoutCode, many...),
		"a part's header of 100 KB": partsOf(fieldsOf("attack", "attack-code", "user_password", "wrong"), part(`Content-Disposition: form-data; name="code"; x="`+strings.Repeat("x", 100<<10)+`"`, "attack-code")),
		"a part of 10000 headers":   partsOf(withoutCode, part(strings.Repeat("X: x\r\n", 10001)+`Content-Disposition: form-data; name="code"`, "attack-code")),
		"a form within a part":      partsOf(withoutCode, part("Content-Type: multipart/mixed; boundary=y", "--y\r\nContent-Disposition: form-data; name=\"code\"\r\n\r\nattack-code\r\n--y--")),
		"a code behind the end":     partsOf(withoutCode) + partsOf(fieldsOf("attack", "attack-code")),
		"a code before the start":   part(`Content-Disposition: form-data; name="code"`, "attack-code") + "\r\n" + partsOf(withoutCode),
		"two names of a part":       partsOf(withoutCode, part("Content-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"code\"", "attack-code")),
	} {
		row(200, "", what, over("POST", "/", body, multipart))
	}
	var squeezed bytes.Buffer
	squeeze := gzip.NewWriter(&squeezed)
	_, _ = squeeze.Write([]byte(padded(form(), 10<<20)))
	_ = squeeze.Close()
	row(200, "Content-Encoding", "a form of 10 MB in 10 KB", over("POST", "/", squeezed.String(), urlencoded, "Content-Encoding: gzip"))
	row(400, "Content-Encoding", "numbers, squeezed", over("POST", cleanPath, squeezed.String(), bearer, "Content-Encoding: gzip"))
	row(400, "Content-Encoding", "credentials, squeezed", over("POST", tokenPath, squeezed.String(), "Content-Encoding: gzip, gzip"))
	row(415, "Content-Encoding", "an allow, squeezed", over("PUT", path, squeezed.String(), csr, bodyJSON, "Content-Encoding: br"))

	// Callbacks. The first is one, of a Flash file; the answer begins otherwise.
	flash := "CWSMIKI0hCD0Up0IZUnnnnnnnnnnnnnnnnnnnUU5nnnnnn3Snn7iiudIbEAt333swW0ssG03sDDtDDDt0333333Gt333swwv3wwwFPOHtoHHvwHHFhH3D0Up0IZU"
	row(200, "/**/CWS", "a Flash file", over("POST", "/", form("callback", flash, "code", "nobody", "condensed", "yes"), urlencoded))
	for _, callback := range []string{
		"</script><script>alert(1)//", "a\u2028b", "\uff41lert", `\u0061lert`, "a;alert", "a=1", "a`1`", "a\r\nX-Injected: 1", "a/**/", "new a", "-a", "a(", "a b", strings.Repeat("a", 129), "%61%28", "1;a",
	} {
		row(200, noCallback, fmt.Sprintf("callback %.20q", callback), over("POST", "/", form("callback", callback, "output", "json"), urlencoded))
	}

	// Line ends in what might be said again.
	row(400, "customerId", "a line end in an id", over("DELETE", at(bases[0], "u-attack-nobody\r\nX-Injected: 1")+query, "", csr))
	row(404, "not found", "an encoded line end in an id", over("DELETE", at(bases[0], "u-attack-nobody%0d%0aX-Injected: 1")+query, "", csr))
	row(200, unknownCode, "a line end in a code", over("POST", "/", form("code", "nobody\r\nX-Injected: 1"), urlencoded))
	row(400, "write app_key", "a line end in a name", over("POST", tokenPath, `{"app_key\r\nX-Injected: 1":"","App_Key":""}`))
	for _, injected := range []string{"%0d%0aX-Injected:%201", "\rX-Injected: 1", "%E5%98%8D%E5%98%8AX-Injected:%201"} {
		row(401, "", "a line end in a trace's name", over("DELETE", path, "", "X-Amzn-Trace-Id: Root=1"+injected))
		row(400, "X-Token-Expire", "a line end in a duration", over("POST", tokenPath, credentials("app-attack"), "X-Token-Expire: 60"+injected))
	}

	for _, a := range rows {
		a.try(t)
	}
	// And who may, still may.
	send(t, "DELETE", at(bases[0], "u-attack-nobody")+query, "", csr).refused(t, 404, "json", "Customer ID not found")
}

// mostCalls is how many calls to DynamoDB an attack brings about at most: an authorizer's, and those of an operation that
// looks at what it is asked for.
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
	if !whole || strings.Count(text, "HTTP/1.1 ") != 1 || !strings.HasPrefix(first, fmt.Sprintf("HTTP/1.1 %d ", a.status)) || !strings.Contains(body, a.words) {
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

func matchesAny(body string) bool {
	for _, shape := range ofRefusals {
		if shape.MatchString(body) {
			return true
		}
	}
	return false
}
