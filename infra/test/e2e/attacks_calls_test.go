package e2e

import (
	"encoding/base64"
	"fmt"
	"strings"

	"customercare/shared/operation"
)

// forgedHeaders are headers that somebody in front might set, and that nobody here may
// believe.
func (a *attacks) forgedHeaders() {
	csr, setter, path, query := a.csr, a.setter, a.path, a.query
	forged := `{"authorizer":{"principalId":"csr-attack","operations":"` + operation.DeleteCustomerInfo.Name +
		`","appKey":"app-victim","tenantId":"tenant-victim"}}`
	for _, header := range []string{
		"X-GoLambdaProxy-ApiGw-Context: " + forged, "X-GoLambdaProxy-Lambda-Context: " + forged,
		"X-Amzn-Request-Context: " + forged,
		"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost", "X-Forwarded-Proto: https",
		"X-Forwarded-Prefix: /admin", "X-Forwarded-User: csr-attack",
		"Forwarded: for=127.0.0.1;host=localhost;proto=https", "X-Real-IP: 127.0.0.1", "True-Client-IP: 127.0.0.1",
		"X-Original-URL: /", "X-Rewrite-URL: " + cleanPath,
		"X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "Via: 1.1 localhost", "X-Amz-Invocation-Type: Event",
		"X-Api-Key: csr-attack", "Cookie: session=csr-attack",
	} {
		a.row(401, "Authorization is missing or wrong", "unknown caller, "+header,
			over("DELETE", path+query, "", header))
		a.row(401, "missing, wrong or expired", "unknown app, "+header,
			over("POST", cleanPath, `{"customNos":["attack-a"]}`, header))
		a.row(403, "not allowed", "no right to it, "+header, over("DELETE", path+query, "", setter, header))
		a.row(200, wrongCaller, "a wrong key, "+header,
			over("POST", "/", attackForm("user_password", "wrong"), urlencoded, header))
		a.row(404, "Customer ID not found", "another path, "+header,
			over("DELETE", at(bases[0], "u-attack-nobody")+query, "", csr, header))
	}
	// This one API Gateway itself believes: the method that it makes is the one that
	// rights are asked for.
	a.row(403, "not allowed", "the method overridden",
		over("PUT", path+query, "", setter, "X-HTTP-Method-Override: DELETE"))
	a.row(401, "Authorization", "the method overridden, unknown caller",
		over("PUT", path+query, "", "X-HTTP-Method-Override: DELETE"))
	a.row(200, "type is required", "a key in the address of an overridden GET",
		over("GET", "/?"+attackForm(), "", "X-HTTP-Method-Override: POST"))
}

// foreignCredentials are one kind's credentials at another's door.
func (a *attacks) foreignCredentials() {
	bearer, path, query := a.bearer, a.path, a.query
	a.row(401, "Authorization", "an app's key and secret as Basic",
		over("DELETE", path+query, "", basic("app-attack", secretOf("app-attack"))))
	a.row(401, "expired", "an app's key and secret as Basic, at its own door",
		over("POST", cleanPath, `{"customNos":["attack-a"]}`, basic("app-attack", secretOf("app-attack"))))
	a.row(401, "Authorization", "an API user's key as Basic",
		over("DELETE", path+query, "", basic(userOf("attack"), keyOf("attack"))))
	a.row(401, "Authorization", "a token as a password",
		over("DELETE", path+query, "", basic("csr-attack", bearer[len("Authorization: Bearer "):])))
	a.row(200, wrongCaller, "an operator's password as a key",
		over("POST", "/", attackForm("user_id", "csr-attack", "user_password", "password of csr-attack"), urlencoded))
	a.row(200, wrongCaller, "a token as a key", over("POST", "/", attackForm("user_password", "-"), urlencoded,
		"api_access_key: "+bearer[len("Authorization: Bearer "):]))
	a.row(401, "app_key or app_secret is wrong", "a token as a secret",
		over("POST", tokenPath, `{"app_key":"app-attack","app_secret":"`+bearer[len("Authorization: Bearer "):]+`"}`))
	a.row(401, "expired", "a secret as a token",
		over("POST", cleanPath, `{"customNos":["attack-a"]}`, "Authorization: Bearer "+secretOf("app-attack")))
}

// forgedTokens are tokens that name somebody else.
func (a *attacks) forgedTokens() {
	bearer, victim := a.bearer, a.victim
	random, _, _ := strings.Cut(strings.TrimPrefix(bearer, "Authorization: Bearer "), ".")
	encoded := base64.RawURLEncoding.EncodeToString
	for what, token := range map[string]string{
		"another app's name": random + "." + encoded([]byte("app-victim")), "no name": random,
		"an empty name": random + ".", "the name in other base64": random + "." +
			encoded([]byte("app-attack")) + "==",
		"two names":              random + "." + encoded([]byte("app-attack")) + "." + encoded([]byte("app-victim")),
		"no random part":         "." + encoded([]byte("app-victim")),
		"unsigned":               encoded([]byte(`{"alg":"none"}`)) + "." + encoded([]byte(`{"sub":"app-victim"}`)) + ".",
		"a name of another kind": random + "." + encoded([]byte("operator#csr-attack")),
		"a name with NUL":        random + "." + encoded([]byte("app-attack\x00")),
		"twice":                  random + "." + encoded([]byte("app-attack")) + " " + random,
	} {
		a.row(401, "expired", "a token with "+what,
			over("POST", cleanPath, `{"customNos":["victim-a"]}`, "Authorization: Bearer "+token))
	}
	a.row(401, "X-APP-Key", "a token of one's own for another app",
		over("POST", cleanPath, `{"customNos":["victim-a"]}`, bearer, "X-APP-Key: app-victim"))
	a.row(401, "X-APP-Key", "another's token that was found, without the app's key",
		over("POST", cleanPath, `{"customNos":["victim-a"]}`, victim, "X-APP-Key: app-attack"))
}

// framing is what two servers could read differently: what could be a second request is
// none.
func (a *attacks) framing() {
	csr, path, query := a.csr, a.path, a.query
	second := over("DELETE", path+query, "", csr)
	chunked := "0\r\n\r\n" + second
	start := "POST / HTTP/1.1\r\nHost: api.example.com\r\n" + urlencoded + "\r\n"
	for what, request := range map[string]string{
		"both framings": start + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n",
			len(chunked)) + chunked,
		"both framings, reversed": start + fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n",
			len(chunked)) + chunked,
		"two lengths": start + fmt.Sprintf("Content-Length: %d\r\ncontent-length: 0\r\n\r\n",
			len(second)) + second,
		"two codings": start + "Transfer-Encoding: chunked\r\nTransfer-encoding: identity\r\n\r\n" +
			chunked,
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
		a.row(400, "could not be read", what, request)
	}
	a.row(401, "Authorization is missing", "an absolute target",
		over("DELETE", "http://api.example.com"+path+query, ""))
	a.row(404, "not known", "another host's target", over("DELETE", "http://169.254.169.254/latest/meta-data", ""))
	a.row(200, "type is required", "a request within a body",
		start+fmt.Sprintf("Connection: close\r\nContent-Length: %d\r\n\r\n", len(second))+second)
	a.row(401, "Authorization is missing", "an upgrade",
		over("DELETE", path+query, "", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
			"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"))
	a.row(431, "larger", "10 KB of headers", over("DELETE", path+query, "", csr, "X: "+strings.Repeat("x", 11<<10)))
	a.row(431, "larger", "1000 headers", over("DELETE", path+query, "", csr,
		strings.TrimSuffix(strings.Repeat("X: xxxxxxxxxxx\r\n", 1000), "\r\n")))
	a.row(200, wrongMedia, "two types", over("POST", "/", attackForm(), urlencoded, multipart))
	a.row(200, wrongMedia, "two types, in other cases",
		over("POST", "/", attackForm(), "CONTENT-TYPE: application/json",
			"content-type: application/x-www-form-urlencoded"))
	a.row(415, "Content-Type", "two types of operation 2",
		over("PUT", path, `{"tempAllowType":1}`, csr, bodyJSON, "content-type: application/xml"))
}

// verbs are methods that no route has.
func (a *attacks) verbs() {
	csr, bearer, path, query := a.csr, a.bearer, a.path, a.query
	long := strings.Repeat("DELETE", 167)
	for _, verb := range []string{"HEAD", "OPTIONS", "TRACE", "PATCH", "delete", "Put", "get", "PROPFIND", long} {
		a.row(405, "", verb[:3]+" of a customer's info",
			over(verb, path+query, `{"tempAllowType":1}`, csr, "Origin: https://evil.example",
				"Access-Control-Request-Method: DELETE"))
		a.row(404, "", verb[:3]+" of a customer", over(verb, "/api.php?"+attackForm(), attackForm(), urlencoded))
		a.row(404, "", verb[:3]+" of numbers", over(verb, cleanPath, `{"customNos":["attack-a"]}`, bearer))
		a.row(404, "", verb[:3]+" of a token", over(verb, tokenPath, credentials("app-attack")))
	}
	a.row(405, "only DELETE, GET and PUT", "_method in the query", over("POST", path+query+"&_method=DELETE", "", csr))
	a.row(405, "only DELETE, GET and PUT", "_method in the body",
		over("POST", path+query, "_method=DELETE&reset=true", csr, urlencoded))
}

// paths are those that are almost a route.
func (a *attacks) paths() {
	csr, path, query := a.csr, a.path, a.query
	for _, target := range []string{
		"/customercare/v1/x/../u-attack/provision", "/customercare//v1/u-attack/provision",
		"//customercare/v1/u-attack/provision", "/./customercare/v1/u-attack/provision",
		"/%63ustomercare/v1/u-attack/provision", "/customercare%2Fv1%2Fu-attack%2Fprovision",
		"/customercare/v1/u-attack/provision;x=1", "/customercare;x/v1/u-attack/provision",
		"/customercare/v1/u-attack/provision%00", "/customercare/v1/u-attack/provision%2F",
		"/customercare/v1/u-attack/provision//", "/customercare/v1/u-attack%00/provision/x",
		"/customercare/v1/u-attack/%2e%2e/provision/x", "/customercare/v1/u-attack/Provision",
		`\customercare\v1\u-attack\provision`[1:], "/v1" + path, "/prod" + path, "/risk-cc/risk-cc" + path,
		"/api.php/", "/api.php/x", "/api.php%00", "/api%2ephp", "/api.phpx", "/.env", "/index.php",
		"/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..;/", "/2018-06-01/runtime/invocation/next",
	} {
		status := 404
		switch target {
		case "/api.php/":
			continue // the same route, with a slash at its end
		case `customercare\v1\u-attack\provision`:
			status = 400
		}
		a.row(status, "", "path "+target, over("DELETE", target+query, "", csr))
	}
	for _, id := range []string{"u-attack;x=1", "u-attack%3Freset=true", "u-attack%20", "%20u-attack",
		"u-attack%252F", "%75-attac%6b%2e", "..%2fu-attack", "u-attack%23", `u-attack"`, "u-attack'%20OR%20'1'='1", "*"} {
		a.row(404, "Customer ID not found", "customer "+id,
			over("DELETE", "/customercare/v1/"+id+"/provision"+query, "", csr))
	}
	a.row(400, "customerId", "a customer of 9 KB",
		over("DELETE", "/customercare/v1/"+strings.Repeat("x", 9<<10)+"/provision"+query, "", csr))
	a.row(404, "path", "a path of 9 KB", over("DELETE", strings.Repeat("/x", 4<<10), "", csr))
	a.row(431, "larger", "a path of 20 KB", over("DELETE",
		"/customercare/v1/"+strings.Repeat("x", 20<<10)+"/provision", "", csr))
}
