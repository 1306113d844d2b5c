package clients

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"customercare/infra/client"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/spec"
	"customercare/shared/operation"
)

// collection is docs/postman.json, as far as a request needs it.
type collection struct {
	Variable []pair
	Item     []struct {
		Name string
		Item []struct {
			Name    string
			Request request
		}
	}
}

type request struct {
	Method string
	Auth   struct {
		Type          string
		Basic, Bearer []pair
	}
	Header []pair
	Body   struct {
		Raw        string
		Urlencoded []pair
	}
	URL struct {
		Raw      string
		Variable []pair
	}
}

type pair struct {
	Key, Value string
	Disabled   bool
}

// TestCollection sends every request of docs/postman.json in its order, with the values
// that it comes with: each is a success, and its answer is as docs/openapi.yaml says.
func TestCollection(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(dynamotest.Root(), "docs", "postman.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all collection
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	document, err := spec.Read(filepath.Join(dynamotest.Root(), "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for _, v := range all.Variable {
		values[v.Key] = v.Value
	}
	values["baseUrl"] = running.URL
	sent := 0
	for _, folder := range all.Item {
		for _, item := range folder.Item {
			sent++
			r := item.Request.filled(values)
			answer := r.send(t)
			path := strings.TrimPrefix(r.URL.Raw, running.URL)
			if err := document.Check(spec.Answer{
				Method: r.Method, Path: path, Status: answer.Status, Header: answer.Header, Body: answer.Body,
			}); err != nil {
				t.Errorf("%s: docs/openapi.yaml: %v", item.Name, err)
			}
			if r.Method == operation.DeleteCustomer.PassesOn && strings.Contains(path, "?type=") { // this stack has nobody to pass it on to
				if answer.Status != 404 {
					t.Errorf("%s: %s: %d %s", item.Name, path, answer.Status, answer.Body)
				}
				continue
			}
			if answer.Status/100 != 2 || strings.Contains(answer.Body, `"status": "error"`) {
				t.Errorf("%s: %s: %d %s", item.Name, path, answer.Status, answer.Body)
			}
			// What the scripts of the collection keep.
			if token, err := answer.Token(); err == nil {
				values["token"] = token
			}
			if id := linked.FindStringSubmatch(answer.Header.Get("Link")); id != nil && strings.Contains(answer.Body, "deleted") {
				values["erasure"] = id[1]
			}
		}
	}
	if routes := document.Routes(); sent != len(routes) {
		t.Errorf("%d requests, the document has %d routes", sent, len(routes))
	}
}

var (
	linked     = regexp.MustCompile(`^</erasures/(.*)>; rel="status"$`)
	aVariable  = regexp.MustCompile(`\{\{(\w+)\}\}`)
	aParameter = regexp.MustCompile(`/:(\w+)`)
)

// filled is the request with the values of the collection's variables.
func (r request) filled(values map[string]string) (made request) {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	text = aVariable.ReplaceAllFunc(text, func(name []byte) []byte { return []byte(values[string(name[2:len(name)-2])]) })
	if err := json.Unmarshal(text, &made); err != nil {
		panic(err)
	}
	made.URL.Raw = aParameter.ReplaceAllStringFunc(made.URL.Raw, func(name string) string {
		for _, v := range made.URL.Variable {
			if "/:"+v.Key == name {
				return "/" + url.PathEscape(v.Value)
			}
		}
		return name
	})
	return made
}

// send sends the request until what it asks for is sealed, which is done every second.
func (r request) send(t *testing.T) client.Answer {
	t.Helper()
	headers := []string{}
	for _, h := range r.Header {
		if !h.Disabled {
			headers = append(headers, h.Key+": "+h.Value)
		}
	}
	body := r.Body.Raw
	if form := (url.Values{}); r.Body.Urlencoded != nil {
		for _, f := range r.Body.Urlencoded {
			form.Add(f.Key, f.Value)
		}
		body = form.Encode()
		headers = append(headers, client.BodyForm)
	}
	switch of := func(all []pair, name string) string {
		for _, p := range all {
			if p.Key == name {
				return p.Value
			}
		}
		return ""
	}; r.Auth.Type {
	case "basic":
		headers = append(headers, client.Basic(of(r.Auth.Basic, "username"), of(r.Auth.Basic, "password")))
	case "bearer":
		headers = append(headers, "Authorization: Bearer "+of(r.Auth.Bearer, "token"))
	}
	c := client.Client{Base: running.URL, HTTP: http.DefaultClient}
	for deadline := time.Now().Add(generous); ; time.Sleep(100 * time.Millisecond) {
		answer, err := c.Send(t.Context(), client.Request{
			Method: r.Method, Path: strings.TrimPrefix(r.URL.Raw, running.URL), Headers: headers, Body: body,
		})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer.Body, "sealed yet") || time.Now().After(deadline) {
			return answer
		}
	}
}
