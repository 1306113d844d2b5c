package e2e

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/client"
	"customercare/infra/local/lambda"
	"customercare/infra/testkit/dynamotest"
	"customercare/infra/testkit/eventlist"
	"customercare/shared/operation"
)

// outcome is what a function makes of one file of infra/events.
type outcome struct {
	status int    // of the answer to a proxied request; 0: answer is all that the function returns
	media  string // of the answer to a proxied request
	answer string // exact
	effect func(t *testing.T)
}

// operatorPolicy and appPolicy are what authorizers answer about the requests of the
// events.
var (
	eventAPI       = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3d4e5/v1/"
	operatorPolicy = `{"principalId":"csr","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"Allow","Resource":[` +
		`"` + eventAPI + `*/customercare/v1/*/provision","` + eventAPI + `*/customercare/v1/*/provision/",` +
		`"` + eventAPI + `*/risk-cc/customercare/v1/*/provision","` + eventAPI +
		`*/risk-cc/customercare/v1/*/provision/",` +
		`"` + eventAPI + `*/customercare/v1/*/provision/use","` + eventAPI + `*/customercare/v1/*/provision/use/",` +
		`"` + eventAPI + `*/risk-cc/customercare/v1/*/provision/use","` + eventAPI +
		`*/risk-cc/customercare/v1/*/provision/use/"]}]},` +
		`"context":{"operations":"` + operation.DeleteCustomerInfo.Name + " " + operation.SetTemporaryAllow.Name + " " + operation.ReadProvision.Name + " " + operation.UseTemporaryAllow.Name + " " +
		operation.ReadErasures.Name + " " + operation.PreviewErasures.Name + " " + operation.HoldErasures.Name + `"}}`
	appStatement = `"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":["execute-api:Invoke"],"Effect":"EFFECT","Resource":[` +
		`"` + eventAPI + "POST" + cleanPath + `",` +
		`"` + eventAPI + "POST" + cleanPath + `/"]}]}`
)

// outcomes are those of all files, by name without ".json". The data is infra/demo's.
var outcomes = map[string]outcome{
	"delete-customer-info": {200, "application/json", doneJSON, func(t *testing.T) {
		if devices := userItem(t, "demo-user")["devices"]; devices != `{"Value":{}}` && devices != "" {
			t.Errorf("left: %s", devices)
		}
	}},
	"delete-customer-info.xml": {200, "application/xml; charset=utf-8", doneXML, nil},
	"delete-customer-info.method": {405, "application/json",
		`{"responseCode":"405","responseMessage":"The method is not offered here, only DELETE, GET and PUT are","status":false}`, nil},
	"set-temporary-allow": {200, "application/json", doneJSON, func(t *testing.T) {
		if by := allows(t, "demo-user")["2"].by; by != "csr" {
			t.Errorf("granted by %q", by)
		}
	}},
	"set-temporary-allow.xml": {200, "application/xml; charset=utf-8", doneXML, nil},
	// The events before these in the order of their names have set and cancelled allows.
	"read-provision": {200, "application/json",
		`{"responseCode":"0","responseMessage":"","status":true,"registered":true,"questions":2,"images":1,"phrases":1,"devices":0,"tempAllows":[]}`, nil},
	"read-provision.xml": {200, "application/xml; charset=utf-8", client.XMLHead +
		`<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status><registered>true</registered>` +
		`<questions>2</questions><images>1</images><phrases>1</phrases><devices>0</devices><tempAllows></tempAllows></StatusResponse>`, nil},
	"use-temporary-allow": {200, "application/json",
		`{"responseCode":"0","responseMessage":"","status":true,"allowed":true,"tempAllowType":2,"expirationDate":"A-TIME","singleUse":false}`, nil},
	"use-temporary-allow.xml": {200, "application/xml; charset=utf-8", client.XMLHead +
		`<StatusResponse><responseCode>0</responseCode><responseMessage></responseMessage><status>true</status><allowed>true</allowed>` +
		`<tempAllowType>2</tempAllowType><expirationDate>A-TIME</expirationDate><singleUse>false</singleUse></StatusResponse>`, nil},
	"use-temporary-allow.method": {405, "application/json",
		`{"responseCode":"405","responseMessage":"The method is not offered here, only POST is","status":false}`, nil},
	"delete-customer": {200, "application/xml; charset=utf-8", goneXML("1234567890123456"), func(t *testing.T) {
		if left := dump(t, "demo-00"); len(left) != 0 {
			t.Errorf("left: %s", left)
		}
	}},
	"delete-customer.multipart": {200, "application/json", client.Deleted(client.JSON, "2234567890123456").Body, nil},
	// Nobody has other types.
	"delete-customer.get": {404, "application/json",
		`{"responseCode":"404","responseMessage":"The requested path and method are not known","status":false,"retCode":"404","retMsg":"The requested path and method are not known"}`, nil},
	"clean-customer-data": {200, "application/json", cleaned, func(t *testing.T) {
		record := finished(t, "demo", 1)[0]
		if !strings.Contains(record, `"requestedBy":{"Value":"demo-app-key"}`) ||
			!strings.Contains(record, number("deleted", 7)) {
			t.Errorf("the record is %s", record)
		}
	}},
	"issue-token": {200, "application/json",
		`{"AccessToken":"A-TOKEN","ApplyType":"Bearer","CreateTime":"NOW","Expires":"60","Scope":"clearUserInfo","AppKey":"demo-app-key","UserID":"Anonymous"}`, nil},
	"authorize-operator": {answer: operatorPolicy},
	// A token that is good cannot stand in a file.
	"authorize-app": {answer: `{"principalId":"refused",` + strings.Replace(appStatement, "EFFECT",
		"Deny", 1) + `}`},
	"continue-erasure":          {answer: `{"batchItemFailures":[]}`},
	"continue-erasure.handover": {answer: `{"batchItemFailures":[]}`},
	"cleanup":                   {answer: `null`},
	"apply-retention":           {answer: `null`},
	"seal-ledger":               {answer: `null`},
	"read-erasures": {404, "application/problem+json",
		`{"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such erasure"}`, nil},
	// The event before it in the order of their names has deleted the customer.
	"preview-erasures": {200, "application/json", `{"found":{"customers":0,"transactions":0,"others":0,"contacts":0},"held":0,"campaigns":[],"open":"AN-ID","atLeast":false}`, nil},
	"hold-erasures": {409, "application/problem+json",
		`{"type":"about:blank","title":"Conflict","status":409,"detail":"The customer is being erased, so nothing can be held any more"}`, nil},
	"read-erasures.key": {200, "text/plain; charset=utf-8", "THE KEY", nil},
}

// loadDemo puts that part of the demo data that the events are about.
func loadDemo(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dynamotest.Root(), "infra", "demo", "*.ndjson"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no demo data: %v", err)
	}
	about := regexp.MustCompile(`"(?:customerId":"demo-user|code":"[12]234567890123456|tenantId":"demo|name":"(?:csr|john1970|demo-app-key))"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		load(t, slices.DeleteFunc(strings.Split(strings.TrimSpace(string(text)), "\n"), func(line string) bool {
			return !about.MatchString(line)
		})...)
	}
}

// eventFiles are the texts of infra/events, by name without ".json".
func eventFiles(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dynamotest.Root(), "infra", "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts[strings.TrimSuffix(filepath.Base(file), ".json")] = string(text)
	}
	return texts
}

// Every function has an event, <folder>.json, and every event a function.
func TestEachFunctionHasItsEvents(t *testing.T) {
	files, folders := eventFiles(t), map[string]bool{}
	for _, f := range running.Template.Functions {
		folders[f.Folder] = true
		if files[f.Folder] == "" {
			t.Errorf("infra/events/%s.json is missing", f.Folder)
		}
	}
	for name := range files {
		if folder, _, _ := strings.Cut(name, "."); !folders[folder] {
			t.Errorf("infra/events/%s.json is for no function", name)
		}
		if _, known := outcomes[name]; !known {
			t.Errorf("nobody says what infra/events/%s.json comes to", name)
		}
	}
}

// Every event, as it is, run by the built function under the Lambda Runtime API. The
// answer is what the README beside the events says, too.
func TestEvents(t *testing.T) {
	loadDemo(t)
	files := eventFiles(t)
	listed := map[string]eventlist.Event{}
	for _, e := range eventlist.Read(t) {
		listed[e.Name] = e
	}
	// From its first run on the log has a key, which one of the events asks for.
	if _, err := running.Invoke(t.Context(), "seal-ledger", []byte(files["seal-ledger"])); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		t.Run(name, func(t *testing.T) {
			want := outcomes[name]
			folder, _, _ := strings.Cut(name, ".")
			raw, err := running.Invoke(t.Context(), folder, []byte(files[name]))
			if err != nil {
				t.Fatal(err)
			}
			if err := listed[name].Check(raw); err != nil {
				t.Error(err)
			}
			if want.status == 0 {
				if string(raw) != want.answer {
					t.Errorf("got  %s\nwant %s", raw, want.answer)
				}
			} else {
				want.proxied(t, raw)
			}
			if want.effect != nil {
				want.effect(t)
			}
		})
	}
}

// changing are the parts of an answer that are new each time.
var changing = regexp.MustCompile(`("AccessToken":")[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]+(","ApplyType":"Bearer","CreateTime":")\d{10}"`)

// erasureID is the open erasure in a preview.
var erasureID = regexp.MustCompile(`"open":"\d{8}T\d{6}Z-[0-9a-f]{16}"`)

// expiry is the end of an allow that lasts for some time from now on.
var expiry = regexp.MustCompile(`20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)

// verifierKey is the log's key, which is made for each stack: name, hash, key.
var verifierKey = regexp.MustCompile(`^customercare\.us-east-1\.123456789012\.customercare\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}\n?$`)

// proxied checks what a function gave API Gateway.
func (o outcome) proxied(t *testing.T, raw []byte) {
	t.Helper()
	var got struct {
		StatusCode        int
		MultiValueHeaders map[string][]string
		Body              string
		IsBase64Encoded   bool
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	logged.token([]byte(got.Body))
	got.Body = changing.ReplaceAllString(got.Body, `${1}A-TOKEN${2}NOW"`)
	got.Body = erasureID.ReplaceAllString(got.Body, `"open":"AN-ID"`)
	got.Body = expiry.ReplaceAllString(got.Body, "A-TIME")
	got.Body = verifierKey.ReplaceAllString(got.Body, "THE KEY")
	media := strings.Join(got.MultiValueHeaders["Content-Type"], "|")
	if got.StatusCode != o.status || media != o.media || got.Body != o.answer || got.IsBase64Encoded {
		t.Errorf("got  %d %s %s\nwant %d %s %s", got.StatusCode, media, got.Body, o.status, o.media, o.answer)
	}
}

// The authorizers tell good from bad.
func TestAuthorizerEventsWithOtherCredentials(t *testing.T) {
	files := eventFiles(t)
	bearer := strings.TrimPrefix(app(t, "app-events", "tenant-events"), "Authorization: ")
	csr := strings.TrimPrefix(basic("csr", "csr-demo-password"), "Authorization: ")
	stranger := strings.TrimPrefix(basic("nobody-events", "password of nobody-events"), "Authorization: ")
	exchange := func(name, from, to string) []byte {
		t.Helper()
		text := strings.ReplaceAll(files[name], `"`+from+`"`, `"`+to+`"`)
		if text == files[name] {
			t.Fatalf("%s.json does not hold %s", name, from)
		}
		return []byte(text)
	}
	raw, err := running.Invoke(t.Context(), "authorize-app",
		exchange("authorize-app", "Bearer a-token-that-was-never-issued", bearer))
	want := `{"principalId":"app-events",` + strings.Replace(appStatement, "EFFECT", "Allow", 1) +
		`,"context":{"appKey":"app-events","tenantId":"tenant-events"}}`
	if err != nil || string(raw) != want {
		t.Errorf("a good token: %s, %v", raw, err)
	}
	raw, err = running.Invoke(t.Context(), "authorize-operator", exchange("authorize-operator", csr, stranger))
	if failed, ok := errors.AsType[*lambda.Error](err); !ok || failed.Message != "Unauthorized" {
		t.Errorf("a stranger: %s, %v", raw, err)
	}
}

// The workers read which erasure a record is about: they try to take the lease of that
// job, which is long done.
func TestStreamEventsNameTheirJob(t *testing.T) {
	jobs := regexp.MustCompile(`"S": "(?:handover-)?((?:numbers|customer)-1\.[0-9a-f]{64})"`)
	for name, text := range eventFiles(t) {
		if !strings.HasPrefix(name, "continue-erasure") {
			continue
		}
		job := jobs.FindStringSubmatch(text)
		if job == nil {
			t.Errorf("%s.json names no job", name)
			continue
		}
		asked := 0
		for _, c := range recording(func() { _, _ = running.Invoke(t.Context(), "continue-erasure", []byte(text)) }) {
			if strings.Contains(c.body, `"erasureId":{"S":"`+job[1]+`"}`) && strings.Contains(c.body, "leaseOwner") {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("%s.json: %d attempts to take %s", name, asked, job[1])
		}
	}
}

// recording is every call to DynamoDB while do runs, the background's too.
func recording(do func()) []databaseCall {
	recorded.mu.Lock()
	recorded.on, recorded.seen = true, nil
	recorded.mu.Unlock()
	do()
	recorded.mu.Lock()
	defer recorded.mu.Unlock()
	recorded.on = false
	return recorded.seen
}
