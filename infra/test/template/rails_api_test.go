package template

import (
	"path/filepath"
	"reflect"
	"testing"

	"customercare/infra/local/template"
	"customercare/infra/testkit/dynamotest"
)

// front is what stands in front of the API, by logical id, and the outputs that clients
// need.
func front(t *testing.T, parameters map[string]string) (parts map[string]map[string]any, outputs map[string]string) {
	t.Helper()
	parts = map[string]map[string]any{}
	for _, r := range read(t, parameters) {
		switch r.Type {
		case "AWS::WAFv2::WebACLAssociation", "AWS::ApiGateway::DomainName", "AWS::ApiGateway::BasePathMapping":
			parts[r.ID] = r.Properties
		case "AWS::Serverless::Api":
			parts[r.ID] = map[string]any{"DisableExecuteApiEndpoint": r.Properties["DisableExecuteApiEndpoint"],
				"Variables": r.Properties["Variables"]}
		}
	}
	outputs, err := template.Outputs(filepath.Join(dynamotest.Root(), "template.yaml"), parameters)
	if err != nil {
		t.Fatal(err)
	}
	return parts, outputs
}

// A web ACL stands in front of the stage, a domain leads to it without a path of its own,
// and the address of AWS is closed only where there is another. A variable of the stage
// changes with it, because API Gateway does neither before the stage is changed.
func TestDomainAndFirewall(t *testing.T) {
	const ofAWS, target = "https://local.execute-api.us-east-1.amazonaws.com/v1", "arn:aws:apigateway:us-east-1:123456789012:Domain/RegionalDomainName"
	firewall := map[string]any{
		"ResourceArn": "arn:aws:apigateway:us-east-1::/restapis/local/stages/v1", "WebACLArn": rails["WebAclArn"],
	}
	domain := map[string]any{
		"DomainName": "care.example.com", "RegionalCertificateArn": rails["CertificateArn"], "SecurityPolicy": "TLS_1_2",
		"EndpointConfiguration": map[string]any{"Types": []any{"REGIONAL"}},
	}
	path := map[string]any{"DomainName": "Domain", "RestApiId": "local", "Stage": "v1"}
	address := func(disabled bool, told string) map[string]any {
		return map[string]any{"DisableExecuteApiEndpoint": disabled, "Variables": map[string]any{"addressOfAWS": told}}
	}
	open, closed := address(false, "open"), address(true, "closed")
	for _, c := range []struct {
		what        string
		parameters  map[string]string
		want        map[string]map[string]any
		url, target string
	}{
		{"nothing", nil, map[string]map[string]any{"Api": open}, ofAWS, ""},
		{"closed, without another address", map[string]string{"DisableExecuteApiEndpoint": "true"},
			map[string]map[string]any{"Api": open}, ofAWS, ""},
		{"both addresses", map[string]string{"DomainName": "care.example.com", "CertificateArn": rails["CertificateArn"]},
			map[string]map[string]any{"Api": open, "Domain": domain, "DomainPath": path}, ofAWS, target},
		{"all", rails, map[string]map[string]any{"Api": closed, "Domain": domain, "DomainPath": path, "WebAcl": firewall},
			"https://care.example.com", target},
	} {
		parts, outputs := front(t, c.parameters)
		if !reflect.DeepEqual(parts, c.want) || outputs["ApiUrl"] != c.url || outputs["DomainTarget"] != c.target {
			t.Errorf("%s: %v, %s, %s\nwant %v, %s, %s", c.what, parts, outputs["ApiUrl"], outputs["DomainTarget"], c.want,
				c.url, c.target)
		}
	}
}
