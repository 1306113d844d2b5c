package gateway

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"customercare/shared/operation"
	"customercare/shared/respond"
)

// A coding is refused before anything of the body is read, in the kind of the operation's
// shape.
func TestContentEncoding(t *testing.T) {
	for _, test := range []struct {
		values []string
		taken  bool
	}{
		{nil, true},
		{[]string{""}, true},
		{[]string{" \t"}, true},
		{[]string{"identity"}, true},
		{[]string{"IDENTITY, identity"}, true},
		{[]string{",", "identity,"}, true},
		{[]string{"gzip"}, false},
		{[]string{"identity", "gzip"}, false},
		{[]string{"identity,BR"}, false},
		{[]string{"\"identity\""}, false},
		{[]string{"identity;x"}, false},
		{[]string{"identity\x00"}, false},
		{[]string{"ıdentity"}, false},
	} {
		// Behind the coding comes the next fault: the body is no base64.
		provision, app := failure(
			400,
			"The request body is not valid base64",
		), `{"retCode":"400","retMsg":"The request body is not valid base64"}`
		status := 400
		if !test.taken {
			const sentence = "Content-Encoding must be identity, the body must not be compressed"
			provision, app, status = failure(415, sentence), `{"retCode":"400","retMsg":"`+sentence+`"}`, 415
		}
		event := events.APIGatewayProxyRequest{
			Body:              "?",
			IsBase64Encoded:   true,
			MultiValueHeaders: map[string][]string{"content-ENCODING": test.values},
		}
		expect(t, serve(t, event, nil), status, provision)
		answer, err := Endpoint{
			Operation: operation.Operation{Name: "test"},
			Limit:     limit,
			Shape:     respond.App,
		}.Handler()(
			t.Context(),
			event,
		)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, answer, 400, app)
		if got := answer.MultiValueHeaders["Accept-Encoding"]; test.taken != (len(got) == 0) {
			t.Errorf("%q: Accept-Encoding is %q", test.values, got)
		}
	}
}
