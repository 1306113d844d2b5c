package apigateway

import "testing"

func TestGatewayResponses(t *testing.T) {
	h := serve(t, API{
		Routes:      []Route{{Method: "GET", Path: "/closed", Function: "F", Authorizer: "Guard"}},
		Authorizers: map[string]Authorizer{"Guard": {Function: "A", Headers: byHeader}},
		Responses: map[string]Response{
			"UNAUTHORIZED": {StatusCode: 401,
				Headers: map[string]string{"WWW-Authenticate": `'Basic realm="x"'`},
				Templates: map[string]string{
					"application/json": `{"m":"Unauthorized"}`,
					"application/xml":  "<no/>",
				}},
			"DEFAULT_4XX": {Templates: map[string]string{"text/plain": "no"}},
		},
	})
	for _, c := range []struct {
		target, accept string
		status         int
		contentType    string
		body           string
	}{
		{"/closed", "", 401, "application/json", `{"m":"Unauthorized"}`},
		{"/closed", "Accept: application/xml", 401, "application/xml", `<no/>`},
		{"/closed", "Accept: Application/XML;q=0.1, application/json", 401, "application/xml", `<no/>`},
		{"/closed", "Accept: application/json, application/xml", 401, "application/json", `{"m":"Unauthorized"}`},
		{"/closed", "Accept: image/png", 401, "application/json", `{"m":"Unauthorized"}`},
		{"/closed", "Accept: */*", 401, "application/json", `{"m":"Unauthorized"}`},
		// Without a response of its own the type keeps its status and takes the rest of
		// DEFAULT_4XX.
		{"/nowhere", "", 403, "text/plain", `no`},
	} {
		r := h.get(t, c.target, c.accept, "X: y")
		if c.accept == "" {
			r = h.get(t, c.target)
		}
		if r.status != c.status || r.header.Get("Content-Type") != c.contentType ||
			r.body != c.body {
			t.Errorf("%s %s: %d %s %s, want %d %s %s", c.target, c.accept, r.status, r.header.Get("Content-Type"),
				r.body, c.status, c.contentType, c.body)
		}
	}
	r := h.get(t, "/closed")
	if r.header.Get("Www-Authenticate") != `Basic realm="x"` {
		t.Errorf("headers are %v", r.header)
	}
}

func TestGatewayResponsesOfAWS(t *testing.T) {
	r := serve(t, API{Routes: []Route{}}).get(t, "/")
	if r.status != 403 || r.body != `{"message":"Missing Authentication Token"}` ||
		r.header.Get("X-Amzn-Errortype") != "MissingAuthenticationTokenException" {
		t.Errorf("%d %s %v", r.status, r.body, r.header)
	}
}
