// Package frontdoor sends functions whatever a fuzz engine makes up, as Lambda would, on
// a database that answers like an empty DynamoDB, and looks at what no answer may be: a
// failure of ours, or not well-formed.
package frontdoor

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"customercare/infra/testkit/bounds"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/invocation"
)

// Door is one function.
type Door struct {
	Database *Database
	function lambda.Handler
}

// New is the door of the function that lambda.Start is given. Until f ends nothing is
// logged: a line an input would be gigabytes.
func New(f testing.TB, database *Database, function any) Door {
	log := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	f.Cleanup(func() { slog.SetDefault(log) })
	return Door{database, lambda.NewHandler(function)}
}

// Request is what a proxy integration's event is made of.
type Request struct {
	Method, Path string
	Params       map[string]string   // of the path
	Query        map[string][]string // decoded, as API Gateway does
	Header       [][2]string
	Body         []byte
	Authorizer   map[string]any
}

// Event is the request as API Gateway passes it on: header fields and query parameters in
// both forms, the body base64-encoded, as with the template's BinaryMediaTypes.
func (r Request) Event() events.APIGatewayProxyRequest {
	event := events.APIGatewayProxyRequest{
		HTTPMethod: r.Method, Path: r.Path, PathParameters: r.Params,
		Headers: map[string]string{}, MultiValueHeaders: map[string][]string{},
		QueryStringParameters: map[string]string{}, MultiValueQueryStringParameters: r.Query,
		Body: base64.StdEncoding.EncodeToString(r.Body), IsBase64Encoded: true,
		RequestContext: events.APIGatewayProxyRequestContext{
			RequestID: "a30e4c93-3223-4680-b0d2-c0c5e19e82c4", Stage: "v1",
			DomainName: "api.example.com", Authorizer: r.Authorizer,
			Identity: events.APIGatewayRequestIdentity{SourceIP: "192.0.2.1"},
		},
	}
	for _, field := range r.Header {
		event.Headers[field[0]] = field[1]
		event.MultiValueHeaders[field[0]] = append(event.MultiValueHeaders[field[0]], field[1])
	}
	for name, all := range r.Query {
		event.QueryStringParameters[name] = all[len(all)-1]
	}
	return event
}

// Send sends the function r as an event.
func (d Door) Send(t testing.TB, r Request) events.APIGatewayProxyResponse {
	t.Helper()
	payload := Marshal(t, r.Event())
	answer, ok := d.SendRaw(t, payload)
	if !ok {
		t.Fatalf("the function was not reached with %s", payload)
	}
	return answer
}

// SendRaw sends bytes as Lambda's runtime passes them on. ok is false when they are no
// event: then the function was not reached, and API Gateway sends no such.
func (d Door) SendRaw(t testing.TB, payload []byte) (answer events.APIGatewayProxyResponse, ok bool) {
	t.Helper()
	out, err := d.Invoke(t, payload)
	if err != nil { // the handlers of proxy integrations give none: it is the decoder's
		if len(d.Database.Calls()) > 0 {
			t.Errorf("the function ended with %v", err)
		}
		return answer, false
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		t.Fatalf("the answer is %s: %v", out, err)
	}
	check(t, answer)
	return answer, true
}

// Invoke runs the function once within the bounds, and gives what it returns to Lambda. A
// panic is a failure also where the function has recovered from it
// (invocation.ErrPanicked).
func (d Door) Invoke(t testing.TB, payload []byte) (out []byte, err error) {
	t.Helper()
	bounds.Check(t, func() {
		d.Database.reset()
		out, err = d.function.Invoke(t.Context(), payload)
	})
	if errors.Is(err, invocation.ErrPanicked) {
		t.Errorf("the function panicked with %s", payload)
	}
	return out, err
}

// Authorization is what API Gateway asks an authorizer about a request with the
// Authorization header value, and with a second one where that is not "".
func Authorization(t testing.TB, methodArn, value, second string) []byte {
	t.Helper()
	headers := map[string][]string{"Authorization": {value}}
	if second != "" {
		headers["authorization"] = []string{second}
	}
	return Marshal(t, events.APIGatewayCustomAuthorizerRequestTypeRequest{
		Type: "REQUEST", MethodArn: methodArn, MultiValueHeaders: headers,
	})
}

// Marshal is an event as Lambda's runtime passes it on.
func Marshal(t testing.TB, event any) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// check looks at what is the same for every answer of every operation.
func check(t testing.TB, a events.APIGatewayProxyResponse) {
	t.Helper()
	if a.StatusCode < 200 || a.StatusCode > 499 || a.StatusCode >= 300 && a.StatusCode < 400 {
		t.Errorf("status %d: %s", a.StatusCode, a.Body)
	}
	if a.IsBase64Encoded || a.Body == "" || !utf8.ValidString(a.Body) {
		t.Errorf("the body is %q", a.Body)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	} {
		if got := strings.Join(a.MultiValueHeaders[name], ", "); got != want {
			t.Errorf("%s is %q", name, got)
		}
	}
	for name, values := range a.MultiValueHeaders {
		unsafe := strings.ContainsAny(strings.Join(values, ""), "\r\n\x00")
		if http.CanonicalHeaderKey(name) != name || unsafe || len(values) != 1 {
			t.Errorf("the header %q is %q", name, values)
		}
	}
}

// FuzzEvents sends every event, whatever it is, to the door behind which the subject is
// known, or to the one behind which it is not, and lets read judge each answer. The seeds
// are an event and whether the subject stands.
func FuzzEvents[Answer any](
	f *testing.F, known, unknown Door, read func(testing.TB, events.APIGatewayProxyResponse) Answer,
) {
	f.Fuzz(func(t *testing.T, event []byte, stands bool) {
		door := unknown
		if stands {
			door = known
		}
		if answer, ok := door.SendRaw(t, event); ok {
			read(t, answer)
		}
	})
}

// Events are the project's own events for a function, in infra/events, as they stand
// there.
func Events(f testing.TB, function string) (all [][]byte) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join(dynamotest.Root(), "infra", "events", function+".*json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("%s has no events: %v", function, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, text)
	}
	return all
}
