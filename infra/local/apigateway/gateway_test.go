package apigateway

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"customercare/infra/local/lambda"
)

func TestEventCarriesTheRequestAsSent(t *testing.T) {
	h := serve(t, API{Routes: []Route{{Method: "POST", Path: "/a/{id}/b", Function: "F"}}})
	h.send(t, "POST /a/x%2Fy%25%3F+z/b?n=1&n=2&e=&flag&p=a%26b+c;s=%zz HTTP/1.1\r\n"+
		"hOST: api.example\r\nX-Thing: one\r\nx-thing: two\r\nX-Thing: three\r\nUser-Agent: probe\r\n"+
		"x-forwarded-for: 10.0.0.9\r\nX-Forwarded-Proto: gopher\r\nTE: trailers\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello")
	e := h.last()
	equal(t, "resource", e["resource"], `"/a/{id}/b"`)
	equal(t, "path", e["path"], `"/a/x%2Fy%25%3F+z/b"`)
	equal(t, "httpMethod", e["httpMethod"], `"POST"`)
	equal(t, "pathParameters", e["pathParameters"], `{"id":"x%2Fy%25%3F+z"}`)
	equal(t, "queryStringParameters", e["queryStringParameters"],
		`{"e":"","flag":"","n":"2","p":"a\u0026b c","s":"%zz"}`)
	equal(t, "multiValueQueryStringParameters", e["multiValueQueryStringParameters"],
		`{"e":[""],"flag":[""],"n":["1","2"],"p":["a\u0026b c"],"s":["%zz"]}`)
	equal(t, "stageVariables", e["stageVariables"], `null`)
	equal(t, "body", e["body"], `"aGVsbG8="`)
	equal(t, "isBase64Encoded", e["isBase64Encoded"], `true`)
	headers := e["headers"].(map[string]any)
	trace, _ := headers["X-Amzn-Trace-Id"].(string)
	delete(headers, "X-Amzn-Trace-Id")
	equal(t, "headers", headers, `{"Content-Type":"text/plain","Host":"api.example","User-Agent":"probe",`+
		`"X-Forwarded-For":"10.0.0.9, 127.0.0.1","X-Forwarded-Port":"443","X-Forwarded-Proto":"https",`+
		`"X-Thing":"three","x-thing":"two"}`)
	all := e["multiValueHeaders"].(map[string]any)
	equal(t, "X-Thing", all["X-Thing"], `["one","three"]`)
	equal(t, "x-thing", all["x-thing"], `["two"]`)
	if !strings.HasPrefix(trace, "Root=1-") {
		t.Errorf("X-Amzn-Trace-Id is %q", trace)
	}
	rc := e["requestContext"].(map[string]any)
	equal(t, "requestContext.path", rc["path"], `"/v1/a/x%2Fy%25%3F+z/b"`)
	equal(t, "requestContext.resourcePath", rc["resourcePath"], `"/a/{id}/b"`)
	equal(t, "requestContext.stage", rc["stage"], `"v1"`)
	equal(t, "requestContext.protocol", rc["protocol"], `"HTTP/1.1"`)
	identity := rc["identity"].(map[string]any)
	equal(t, "sourceIp", identity["sourceIp"], `"127.0.0.1"`)
	equal(t, "userAgent", identity["userAgent"], `"probe"`)
	for _, name := range []string{"requestId", "extendedRequestId", "requestTime", "requestTimeEpoch", "resourceId",
		"accountId", "apiId", "domainName"} {
		if rc[name] == nil {
			t.Errorf("requestContext.%s is missing", name)
		}
	}
	if _, there := rc["authorizer"]; there {
		t.Error("requestContext.authorizer is there without an authorizer")
	}
}

func TestEmptyRequest(t *testing.T) {
	h := serve(t, API{})
	h.get(t, "/")
	e := h.last()
	for _, name := range []string{"body", "queryStringParameters", "multiValueQueryStringParameters",
		"pathParameters"} {
		equal(t, name, e[name], "null")
	}
	equal(t, "isBase64Encoded", e["isBase64Encoded"], "false")
}

func TestBodies(t *testing.T) {
	post := "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for _, c := range []struct {
		name, request, body string
	}{
		{"everything is binary", "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", `"e30="`},
		{"no type", "Content-Length: 2\r\n\r\n{}", `"e30="`},
		{"no text", "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\na\xffb", `"Yf9i"`},
		{"chunks", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\nTrailer: x\r\n\r\n",
			`"YWJjZA=="`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, API{})
			h.send(t, post+c.request)
			equal(t, "body", h.last()["body"], c.body)
			equal(t, "isBase64Encoded", h.last()["isBase64Encoded"], "true")
		})
	}
}

func TestExpectContinue(t *testing.T) {
	h := serve(t, API{})
	conn, err := net.Dial("tcp", h.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
		t.Errorf("%q, %v", line, err)
	}
}

func TestConnectionIsKept(t *testing.T) {
	h := serve(t, API{})
	replies := h.send(t, "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"+
		"HEAD /2 HTTP/1.1\r\nHost: x\r\n\r\n"+
		"\r\nGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "POST", "HEAD", "GET")
	for i, r := range replies {
		if r.status != 200 {
			t.Errorf("response %d: %d", i+1, r.status)
		}
	}
	if len(h.seen) != 3 || h.last()["path"] != "/3" {
		t.Errorf("the functions saw %d requests", len(h.seen))
	}
}

func TestLimits(t *testing.T) {
	h := serve(t, API{Responses: map[string]Response{
		"REQUEST_TOO_LARGE": {StatusCode: 413, Templates: map[string]string{"application/json": `{"too":"large"}`}},
		"DEFAULT_4XX":       {Templates: map[string]string{"application/json": `{"e":"Bad Request"}`}},
	}})
	big := strings.Repeat("x", 10<<20)
	for _, c := range []struct {
		name, request string
		status        int
		body          string
	}{
		{"10 MB and a byte", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10485761\r\n\r\n" + big + "x", 413,
			`{"too":"large"}`},
		{"too many chunks", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nA00000\r\n" + big +
			"\r\n1\r\nx\r\n0\r\n\r\n", 413, `{"too":"large"}`},
		{"more than Lambda takes", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7000000\r\n\r\n" + big[:7000000],
			413, `{"too":"large"}`},
		{"10,240 bytes of headers", "GET / HTTP/1.1\r\nHost: x\r\nX: " + big[:10300] + "\r\n\r\n", 431,
			`{"message":"HTTP header is larger than 10240 bytes"}`},
		{"endless headers", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: y\r\n", 100000), 431,
			`{"message":"HTTP header is larger than 10240 bytes"}`},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400,
			`{"e":"Bad Request"}`},
		{"two framings", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n" +
			"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, `{"e":"Bad Request"}`},
		{"a folded header", "GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n", 400, `{"e":"Bad Request"}`},
		{"a space before the colon", "GET / HTTP/1.1\r\nHost: x\r\nX : a\r\n\r\n", 400, `{"e":"Bad Request"}`},
		{"not HTTP", "hello\r\n", 400, `{"e":"Bad Request"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := h.send(t, c.request, "POST")[0]; r.status != c.status || r.body != c.body {
				t.Errorf("%d %s, want %d %s", r.status, r.body, c.status, c.body)
			}
		})
	}
	if len(h.seen) != 0 {
		t.Errorf("%d of them reached a function", len(h.seen))
	}
	fits := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4500000\r\nConnection: close\r\n\r\n" + big[:4500000] // 6 MB in base64
	if r := h.send(t, fits)[0]; r.status != 200 {
		t.Errorf("6 MB: %d", r.status)
	}
}

func TestAnswersOfFunctions(t *testing.T) {
	big := map[string]Response{"DEFAULT_5XX": {Templates: map[string]string{"application/json": `{"failed":true}`}}}
	for _, c := range []struct {
		name, answer string
		err          error
		status       int
		header       string // name: values
		body         string
	}{
		{"plain", `{"statusCode":201,"body":"hi"}`, nil, 201, "Content-Type: application/json", "hi"},
		{"no status", `{"body":"x"}`, nil, 200, "", "x"},
		{"own type", `{"headers":{"content-type":"text/xml"}}`, nil, 200, "Content-Type: text/xml", ""},
		{"several values", `{"headers":{"A":"1","B":"4"},"multiValueHeaders":{"A":["2","3"],"B":["4"]}}`, nil, 200,
			"A: 2,3,1", ""},
		{"same value in both", `{"headers":{"B":"4"},"multiValueHeaders":{"B":["4","5"]}}`, nil, 200, "B: 4,5", ""},
		{"remapped", `{"statusCode":401,"headers":{"WWW-Authenticate":"Basic"}}`, nil, 401,
			"X-Amzn-Remapped-Www-Authenticate: Basic", ""},
		{"really remapped", `{"headers":{"WWW-Authenticate":"Basic"}}`, nil, 200, "Www-Authenticate: ", ""},
		{"dropped", `{"headers":{"Transfer-Encoding":"chunked"},"body":"x"}`, nil, 200, "Transfer-Encoding: ", "x"},
		{"wrong length", `{"headers":{"Content-Length":"7"},"body":"x"}`, nil, 200, "Content-Length: 1", "x"},
		{"header injection", `{"headers":{"A":"1\r\nB: 2"}}`, nil, 200, "B: ", ""},
		{"base64", `{"isBase64Encoded":true,"body":"/wA="}`, nil, 200, "", "\xff\x00"},
		{"broken base64", `{"isBase64Encoded":true,"body":"?"}`, nil, 502, "", `{"failed":true}`},
		{"no JSON", `hello`, nil, 502, "", `{"failed":true}`},
		{"no object", `"hello"`, nil, 502, "", `{"failed":true}`},
		{"null", `null`, nil, 502, "", `{"failed":true}`},
		{"unknown field", `{"statusCode":200,"status":1}`, nil, 502, "", `{"failed":true}`},
		{"body no string", `{"body":{}}`, nil, 502, "", `{"failed":true}`},
		{"status no number", `{"statusCode":"ok"}`, nil, 502, "", `{"failed":true}`},
		{"header no text", `{"headers":{"A":{}}}`, nil, 502, "", `{"failed":true}`},
		{"failed", ``, &lambda.Error{Type: "T", Message: "m"}, 502, "X-Amzn-Errortype: InternalServerErrorException",
			`{"failed":true}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, API{Responses: big})
			h.answer = func(string, map[string]any) (string, error) { return c.answer, c.err }
			r := h.get(t, "/")
			if r.status != c.status || r.body != c.body {
				t.Errorf("%d %q, want %d %q", r.status, r.body, c.status, c.body)
			}
			if name, want, ok := strings.Cut(c.header, ": "); ok && strings.Join(r.header.Values(name), ",") != want {
				t.Errorf("%s is %q, want %q", name, r.header.Values(name), want)
			}
			if r.header.Get("X-Amzn-RequestId") == "" {
				t.Error("x-amzn-RequestId is missing")
			}
		})
	}
}

func TestSlowFunction(t *testing.T) {
	h := serve(t, API{IntegrationPeriod: 50 * time.Millisecond, Responses: map[string]Response{
		"INTEGRATION_TIMEOUT": {StatusCode: 503, Headers: map[string]string{"Retry-After": "'1'"}}}})
	release := make(chan struct{})
	defer close(release)
	h.answer = func(string, map[string]any) (string, error) { <-release; return "", nil }
	r := h.get(t, "/")
	if r.status != 503 || r.header.Get("Retry-After") != "1" || r.body != `{"message":"Endpoint request timed out"}` {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}

func TestMethodOverride(t *testing.T) {
	h := serve(t, API{Routes: []Route{{Method: "DELETE", Path: "/x", Function: "F"}}})
	if r := h.send(t, "POST /x HTTP/1.1\r\nHost: x\r\nX-HTTP-Method-Override: DELETE\r\nConnection: close\r\n\r\n")[0]; r.status != 200 {
		t.Errorf("%d", r.status)
	}
	equal(t, "httpMethod", h.last()["httpMethod"], `"DELETE"`)
}
