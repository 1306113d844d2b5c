package template

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
	"customercare/shared/operation"
)

// api is the API's properties.
func api(t *testing.T) map[string]any {
	t.Helper()
	apis := ofType(t, "AWS::Serverless::Api")
	if len(apis) != 1 {
		t.Fatalf("%d APIs", len(apis))
	}
	return apis[0].Properties
}

// What an access log may hold: nothing that a caller chose, but the method.
var loggable = []string{
	"requestId", "extendedRequestId", "requestTime", "httpMethod", "resourcePath", "protocol", "status",
	"error.responseType",
	"responseLength", "responseLatency", "integration.latency", "integration.status", "authorizer.latency",
	"authorizer.status",
}

func TestAccessLogHoldsNoPersonalData(t *testing.T) {
	format, _ := at(api(t), "AccessLogSetting", "Format").(string)
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("the access log's lines are no JSON: %v", err)
	}
	found := regexp.MustCompile(`\$context\.([A-Za-z.]+)`).FindAllStringSubmatch(format, -1)
	if len(found) != len(line) {
		t.Errorf("%d variables in %d members", len(found), len(line))
	}
	for _, variable := range found {
		if !slices.Contains(loggable, variable[1]) {
			t.Errorf("the access log shows $context.%s", variable[1])
		}
	}
	if at(api(t), "AccessLogSetting", "DestinationArn") != "arn:aws:logs:us-east-1:123456789012:AccessLogs/Arn" {
		t.Error("the access log goes nowhere")
	}
	if logs := resources(t)["AccessLogs"].Properties; logs["RetentionInDays"] != "90" ||
		logs["LogGroupName"] != "/customercare/customercare/access" {
		t.Errorf("the access log: %v", logs)
	}
}

// An account that never had an API takes the role for API Gateway's logs only when there
// is one; the stage, which has an access log, can only be made after that.
func TestLogRoleComesBetweenAPIAndStage(t *testing.T) {
	if account := resources(t)["ApiGatewayAccount"]; account.DependsOn != "Api" || account.Deletion != "Retain" ||
		account.Replace != "Retain" ||
		account.Properties["CloudWatchRoleArn"] != "arn:aws:iam:us-east-1:123456789012:ApiGatewayLogRole/Arn" {
		t.Errorf("%+v", account)
	}
	// SAM puts the tags on the stage alone.
	if tag := at(api(t), "Tags", "ApiGatewayLogRole"); tag != "ApiGatewayAccount" {
		t.Errorf("the stage does not wait for the role: %v", tag)
	}
	without, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"),
		map[string]string{"SetsApiGatewayLogRole": "false"})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range without {
		if r.Type == "AWS::ApiGateway::Account" || r.ID == "ApiGatewayLogRole" {
			t.Errorf("%s is made though SetsApiGatewayLogRole is false", r.ID)
		}
	}
	if got := at(api(t), "EndpointConfiguration", "Type"); got != "REGIONAL" {
		t.Errorf("the API's endpoint is %v: requests and answers leave the region", got)
	}
}

// Every route that is an operation has limits of its own, and no route is without any;
// bodies are never logged.
func TestThrottles(t *testing.T) {
	settings, _ := api(t)["MethodSettings"].([]any)
	limited := map[string]bool{}
	for i, s := range settings {
		method := at(s, "HttpMethod").(string) + " " + strings.ReplaceAll(at(s, "ResourcePath").(string), "~1", "/")
		limited[strings.Replace(method, " //", " /", 1)] = true
		if rate, _ := at(s, "ThrottlingRateLimit").(string); rate == "" || rate == "0" ||
			at(s, "ThrottlingBurstLimit") != "100" {
			t.Errorf("entry %d has no limit: %v", i, s)
		}
		if at(s, "DataTraceEnabled") != false || at(s, "LoggingLevel") != "OFF" || at(s, "MetricsEnabled") != true {
			t.Errorf("entry %d logs what it must not, or has no metrics: %v", i, s)
		}
	}
	template, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range template.API.Routes {
		if r.Method != "ANY" && !limited[r.Method+" "+r.Path] {
			t.Errorf("%s %s has no limit of its own", r.Method, r.Path)
		}
	}
	if !limited["* /*"] {
		t.Error("no limit for what has none of its own")
	}
	if api(t)["TracingEnabled"] != nil {
		t.Error("the API writes the ids in its paths into X-Ray")
	}
}

// ReadRate is the limit of each call about erasures, holds and the log, and of nothing
// else.
func TestReadRateLimitsTheReaders(t *testing.T) {
	all, err := template.Resources(filepath.Join(dynamotest.Root(), "template.yaml"), map[string]string{"ReadRate": "77"})
	if err != nil {
		t.Fatal(err)
	}
	entries := 0
	for _, r := range all {
		if r.ID != "Api" {
			continue
		}
		settings, _ := r.Properties["MethodSettings"].([]any)
		for _, s := range settings {
			path := at(s, "ResourcePath").(string)
			reads := strings.HasPrefix(path, "/~1erasures") || strings.HasPrefix(path, "/~1ledger") ||
				strings.HasPrefix(path, "/~1holds")
			if reads != (at(s, "ThrottlingRateLimit") == "77") {
				t.Errorf("%s is limited by %v", path, at(s, "ThrottlingRateLimit"))
			}
			entries++
		}
	}
	if entries == 0 {
		t.Error("there are no limits")
	}
}

// What API Gateway says by itself is in the shapes of the contracts, has the right
// status, and is kept by no cache.
func TestGatewayResponses(t *testing.T) {
	responses, _ := api(t)["GatewayResponses"].(map[string]any)
	for kind, status := range map[string]string{
		"UNAUTHORIZED": "401", "ACCESS_DENIED": "401", "WAF_FILTERED": "403", "INVALID_API_KEY": "403",
		"MISSING_AUTHENTICATION_TOKEN": "404",
		"INVALID_SIGNATURE":            "404", "EXPIRED_TOKEN": "404", "RESOURCE_NOT_FOUND": "404", "REQUEST_TOO_LARGE": "413",
		"UNSUPPORTED_MEDIA_TYPE": "415", "THROTTLED": "429", "QUOTA_EXCEEDED": "429", "DEFAULT_4XX": "400",
		"DEFAULT_5XX": "500", "INTEGRATION_TIMEOUT": "503",
		"INTEGRATION_FAILURE": "503", "AUTHORIZER_FAILURE": "503",
	} {
		if got := at(responses, kind, "StatusCode"); got != status {
			t.Errorf("%s is answered with %v, want %s", kind, got, status)
			continue
		}
		var answer map[string]any
		text, _ := at(responses, kind, "ResponseTemplates", "application/json").(string)
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		operator, app := kind != "ACCESS_DENIED", kind != "UNAUTHORIZED"
		if operator && (answer["responseCode"] != status || answer["status"] != false ||
			answer["responseMessage"] == "") {
			t.Errorf("%s does not have the shape of operations 1 and 2: %s", kind, text)
		}
		if app && (answer["retCode"] != status || answer["retMsg"] == "") {
			t.Errorf("%s does not have the shape of operation 4: %s", kind, text)
		}
		if xml, _ := at(responses, kind, "ResponseTemplates",
			"application/xml").(string); operator != strings.Contains(xml, "<StatusResponse><responseCode>"+status+"</responseCode>") {
			t.Errorf("%s in XML: %s", kind, xml)
		}
	}
	if len(responses) != 17 {
		t.Errorf("%d gateway responses, want the 17 that are tested", len(responses))
	}
	own := map[string]string{ // besides those that all have
		"UNAUTHORIZED":  `WWW-Authenticate 'Basic realm="customercare"'`,
		"ACCESS_DENIED": `WWW-Authenticate 'Bearer realm="customercare"'`,
		"THROTTLED":     "Retry-After '1'", "QUOTA_EXCEEDED": "Retry-After '1'", "INTEGRATION_TIMEOUT": "Retry-After '1'",
		"INTEGRATION_FAILURE": "Retry-After '1'", "AUTHORIZER_FAILURE": "Retry-After '1'",
	}
	for kind := range responses {
		want := map[string]any{
			"Cache-Control": "'no-store'", "X-Content-Type-Options": "'nosniff'",
			"Strict-Transport-Security": "'max-age=31536000; includeSubDomains'",
		}
		if name, value, has := strings.Cut(own[kind], " "); has {
			want[name] = value
		}
		if got := at(responses, kind, "ResponseParameters", "Headers"); !reflect.DeepEqual(got, want) {
			t.Errorf("%s carries the headers %v, want %v", kind, got, want)
		}
	}
}

// A cached answer of the operator authorizer holds for all routes that it guards, so it
// may only be kept by what it is made from; an app's is not kept at all.
func TestAuthorizers(t *testing.T) {
	authorizers := at(api(t), "Auth", "Authorizers").(map[string]any)
	if got := at(authorizers, "Operator", "Identity", "Context"); len(got.([]any)) != 1 ||
		at(got, 0) != "identity.sourceIp" {
		t.Errorf("what one address was answered is kept for others: %v", got)
	}
	if got := at(authorizers, "Operator", "Identity", "Headers"); len(got.([]any)) != 1 ||
		at(got, 0) != "Authorization" {
		t.Errorf("operators are told apart by %v", got)
	}
	if got := at(authorizers, "App", "Identity", "ReauthorizeEvery"); got != "0" {
		t.Errorf("an app's answer is kept for %v s", got)
	}
}

// Calls are passed on to one host, by HTTPS, or to nobody.
func TestLoyaltyUpstreamUrl(t *testing.T) {
	for address, right := range map[string]bool{
		"": true, "https://loyalty.example.com": true, "https://127.0.0.1:8443/a/v1.0/": true,
		"http://loyalty.example.com": false, "https://": false, "https://a@b.c": false, "https://a.b?c": false, "https://a.b/#c": false,
		"https://a.b/../c": false, "https://a.b/%2e": false, "https://a.b//c": false, "loyalty.example.com": false, "https://a.b https://c.d": false,
	} {
		deployed, err := template.Load(filepath.Join(dynamotest.Root(), "template.yaml"), map[string]string{"LoyaltyUpstreamUrl": address})
		if (err == nil) != right {
			t.Errorf("%q: %v", address, err)
			continue
		}
		if !right {
			continue
		}
		if f, _ := deployed.Function(operation.DeleteCustomer.Name); f.Environment["LOYALTY_UPSTREAM_URL"] != address {
			t.Errorf("%q comes to the function as %q", address, f.Environment["LOYALTY_UPSTREAM_URL"])
		}
	}
}
