// Package events_test holds the events of infra/events against what the local API Gateway
// sends. The files have the shape of events that were recorded on AWS (see
// infra/local/apigateway/event.go), so this holds the gateway against AWS, too.
package events_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"customercare/infra/local/apigateway"
	"customercare/infra/local/template"
	"customercare/infra/project"
	"customercare/infra/testkit/eventlist"
)

// object is a JSON object.
type object = map[string]any

// folder holds the events.
var folder = filepath.Join(root(), "infra", "events")

func root() string {
	root, err := project.Root()
	if err != nil {
		panic(err)
	}
	return root
}

// event reads one file of folder.
func event(t *testing.T, file string) object {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		t.Fatal(err)
	}
	var e object
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return e
}

// The gateway, given the request that an event is about, sends the event's function that
// very event: all but ids, times and the caller's address is the same.
func TestTheGatewaySendsTheseEvents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no events: %v", err)
	}
	kinds := map[any]int{}
	for _, file := range files {
		file = filepath.Base(file)
		want := event(t, file)
		_, proxied := want["httpMethod"]
		_, authorizing := want["type"]
		if !proxied && !authorizing {
			continue // of another source
		}
		kinds[want["type"]]++
		t.Run(file, func(t *testing.T) {
			function, _, _ := strings.Cut(file, ".")
			got := capture(t, function, want)
			mask(t, want)
			mask(t, got)
			compare(t, "", got, want)
		})
	}
	if kinds[nil] == 0 || kinds["REQUEST"] == 0 {
		t.Errorf("of each kind there are %v", kinds)
	}
}

// The README lists every event once, beside the function that gets it, in the order in
// which the tests run them.
func TestTheReadmeListsThem(t *testing.T) {
	deployed, err := template.Load(filepath.Join(root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var names, listed []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	for _, e := range eventlist.Read(t) {
		listed = append(listed, e.Name)
		of, _, _ := strings.Cut(e.Name, ".")
		if function, there := deployed.Function(of); !there || function.Name != e.Function {
			t.Errorf("%s.json is said to be for %s, the template has %q", e.Name, e.Function, function.Name)
		}
	}
	slices.Sort(names)
	if !slices.Equal(listed, names) {
		t.Errorf("README.md lists %q\nthere are        %q", listed, names)
	}
}

// capture serves the template's API with functions that only note their events, sends the
// request that e is about, and gives what the function in the folder was sent.
func capture(t *testing.T, folder string, e object) object {
	t.Helper()
	template, err := template.Load(filepath.Join(root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	function, ok := template.Function(folder)
	if !ok {
		t.Fatalf("no function %s", folder)
	}
	api := template.API
	api.ID = "a1b2c3d4e5"
	sent := make(chan []byte, 1)
	gateway, err := apigateway.New(api, func(_ context.Context, name string, event []byte) ([]byte, error) {
		switch {
		case name == function.Name:
			sent <- event
			return []byte(`{}`), nil
		case strings.HasPrefix(name, "Authorize"):
			return verdict(e), nil
		}
		return nil, fmt.Errorf("%s was called", name)
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := gateway.Serve(listener)
	defer server.Close()
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	answer, err := transport.RoundTrip(request(t, e, listener.Addr().String()))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	select {
	case raw := <-sent:
		var got object
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		return got
	default:
		t.Fatalf("%s was not called: %d", function.Name, answer.StatusCode)
		return nil
	}
}

// verdict lets everybody in, as whom e says.
func verdict(e object) []byte {
	context, _ := e["requestContext"].(object)
	caller, _ := context["authorizer"].(object)
	caller = maps.Clone(caller)
	id := caller["principalId"]
	delete(caller, "principalId")
	delete(caller, "integrationLatency")
	answer, _ := json.Marshal(object{
		"principalId": id, "context": caller,
		"policyDocument": object{"Statement": []any{object{"Effect": "Allow",
			"Action": []string{"execute-api:Invoke"}, "Resource": []string{"*"}}}},
	})
	return answer
}

// request is the HTTP request that e is about.
func request(t *testing.T, e object, address string) *http.Request {
	t.Helper()
	header := http.Header{}
	for name, values := range e["multiValueHeaders"].(object) {
		if strings.HasPrefix(name, "X-Forwarded-") || name == "X-Amzn-Trace-Id" || name == "Content-Length" {
			continue
		}
		for _, value := range values.([]any) {
			header[name] = append(header[name], value.(string))
		}
	}
	query := url.Values{}
	parameters, _ := e["multiValueQueryStringParameters"].(object)
	for name, values := range parameters {
		for _, value := range values.([]any) {
			query.Add(name, value.(string))
		}
	}
	text, _ := e["body"].(string)
	body, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatalf("body: %v", err)
	}
	headers, _ := e["headers"].(object)
	if length, ok := headers["Content-Length"].(string); ok { // authorizers are told no more of the body
		n, err := strconv.Atoi(length)
		if err != nil {
			t.Fatal(err)
		}
		body = slices.Repeat([]byte("x"), n)
	}
	host, _ := headers["Host"].(string)
	target := &url.URL{Scheme: "http", Host: address, Opaque: e["path"].(string), RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(t.Context(), e["httpMethod"].(string), "http://"+address,
		strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	r.URL, r.Header, r.Host = target, header, host
	return r
}

// mask replaces what differs from request to request by what kind of value it is.
func mask(t *testing.T, e object) {
	t.Helper()
	hide := func(o object, names ...string) {
		for _, name := range names {
			if value, there := o[name]; there {
				o[name] = fmt.Sprintf("any %T", value)
			}
		}
	}
	context := e["requestContext"].(object)
	hide(context, "extendedRequestId", "requestTime", "requestTimeEpoch", "requestId", "resourceId", "deploymentId")
	hide(context["identity"].(object), "sourceIp")
	if caller, ok := context["authorizer"].(object); ok {
		hide(caller, "integrationLatency")
	}
	hide(e["headers"].(object), "X-Amzn-Trace-Id", "X-Forwarded-For")
	hide(e["multiValueHeaders"].(object), "X-Amzn-Trace-Id", "X-Forwarded-For")
}

// compare reports each place where the gateway's value differs from the file's.
func compare(t *testing.T, where string, got, want any) {
	t.Helper()
	gotFields, isObject := got.(object)
	wantFields, wantsObject := want.(object)
	if !isObject || !wantsObject {
		if g, w := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); g != w {
			t.Errorf("%s: the gateway sends %s, the file has %s", where, g, w)
		}
		return
	}
	names := slices.Collect(maps.Keys(gotFields))
	names = slices.AppendSeq(names, maps.Keys(wantFields))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		g, sent := gotFields[name]
		w, written := wantFields[name]
		if sent != written {
			t.Errorf("%s/%s: sent by the gateway: %v, in the file: %v", where, name, sent, written)
			continue
		}
		compare(t, where+"/"+name, g, w)
	}
}
